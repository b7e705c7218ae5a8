// Reads an object of the Rust library `shmem` from .NET, through System.IO.MemoryMappedFiles and by docs/format.md.
//
//     mcs -unsafe -r:System.Numerics.dll -out:Reader.exe *.cs && mono Reader.exe show live_state-4711/state
//
// It reads only, takes no lock, and no writer waits for it. What it shows is one version, whole.

using System;
using System.Collections.Generic;
using System.IO;
using System.IO.MemoryMappedFiles;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

/// What is wrong with an object; `Kind` is the name that the Rust library gives it.
sealed class ShmemException : Exception
{
    public readonly string Kind;
    public ShmemException(string kind, string message) : base(kind + ": " + message) { Kind = kind; }
}

/// An object, opened for reading.
sealed unsafe class SharedObject : IDisposable
{
    const ulong Mark = 0x0102030405060708, Most = (1UL << 63) - 1;

    readonly FileStream file;
    MemoryMappedFile mapping;
    MemoryMappedViewAccessor view;
    byte* bytes;
    readonly ulong[] word = new ulong[32];

    public Part Schema { get; private set; }
    public string Name { get; private set; }
    public int Size { get { return checked((int)word[10]); } }
    public ulong Version { get { return Control(0) >> 8; } }
    public bool IsRemoved { get { return (Control(0) & 8) != 0; } }

    /// Opens the object of that name which belongs to this user.
    public static SharedObject Open(string name)
    {
        var owner = Native.geteuid();
        var parent = Environment.GetEnvironmentVariable("SHMEM_DIR");
        if (string.IsNullOrEmpty(parent)) parent = "/dev/shm";
        for (var k = 0; k < 10; k++)
        {
            var directory = parent + "/shmem-" + owner + (k == 0 ? "" : "-" + k);
            var about = Native.Look(directory);
            if (about != null && about.IsDirectory && about.Owner == owner && (about.Mode & 0x12) == 0)
                return new SharedObject(directory + "/" + FileName(name), name);
        }
        throw new ShmemException("NotFound", "this user has no named objects");
    }

    public static SharedObject OpenPath(string path) { return new SharedObject(path, null); }

    SharedObject(string path, string name)
    {
        try
        {
            var about = Native.Look(path);
            if (about == null) throw new ShmemException("NotFound", path);
            if (!about.IsFile) throw new ShmemException("NotAnObject", path + " is no file");
            file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 1);
            CheckHeader(name);
            if ((word[6] & 1) == 0 && word[21] == 0 && !Native.IsLocked(file, word[23] + 1, word[8]))
                throw new ShmemException("NotFound", "nobody has it open any more");
            mapping = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read,
                                                      HandleInheritability.None, true);
            view = mapping.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            view.SafeMemoryMappedViewHandle.AcquirePointer(ref bytes);
            if (IsRemoved) throw new ShmemException("NotFound", "it was removed");
            if ((word[6] & 4) != 0 && Control(264) != Hash.Fnv1a(Boot()))
                throw new ShmemException("Unrecovered", "the library has to open it first since the power went off");
        }
        catch (Exception error)
        {
            Dispose();
            if (error is FileNotFoundException || error is DirectoryNotFoundException)
                throw new ShmemException("NotFound", path);
            if (error is UnauthorizedAccessException) throw new ShmemException("PermissionDenied", path);
            throw;
        }
    }

    public void Dispose()
    {
        if (bytes != null) view.SafeMemoryMappedViewHandle.ReleasePointer();
        bytes = null;
        if (view != null) view.Dispose();
        if (mapping != null) mapping.Dispose();
        if (file != null) file.Dispose();
    }

    /// Copies the newest version to `value`, whole, and says which it is. A volatile load comes before all that
    /// follow it, so the stamp is looked at after the last byte was copied.
    public ulong Load(byte[] value)
    {
        var end = 0;
        for (var tries = 0; ; tries++)
        {
            ulong current = Control(0), buffer = current & 7;
            if (buffer >= word[9]) throw new ShmemException("Corrupt", "no such buffer is current");
            var from = (long*)(bytes + word[19] + buffer * word[20]);
            fixed (byte* to = value)
            {
                var size = Size;
                for (var i = 0; i < size; i += 8)
                {
                    var copied = Volatile.Read(ref from[i / 8]);
                    if (size - i >= 8) *(long*)(to + i) = copied;
                    else for (var b = 0; b < size - i; b++) to[i + b] = ((byte*)&copied)[b];
                }
            }
            if (Control(64 + 8 * buffer) == current >> 8) return current >> 8;
            if (tries < 64) continue;
            if (tries == 64) end = Environment.TickCount + 1000;
            if (Environment.TickCount - end > 0) throw new ShmemException("Busy", "overtaken for a second");
            Thread.Yield();
        }
    }

    ulong Control(ulong at) { return (ulong)Volatile.Read(ref *(long*)(bytes + word[17] + at)); }

    /// The checks of the page, in its order, on a copy.
    void CheckHeader(string name)
    {
        if (file.Length < 256) throw new ShmemException("NotAnObject", "too short");
        var raw = Read(256);
        if (!raw.Take(8).SequenceEqual(new byte[] { 0x73, 0x68, 0x6d, 0x65, 0x6d, 0x1a, 0x0a, 0xa9 }))
            throw new ShmemException("NotAnObject", "not the first bytes of one");
        Buffer.BlockCopy(raw, 0, word, 0, 256);
        if (word[1] == 0x0807060504030201) throw new ShmemException("UnsupportedFormat", "the other byte order");
        Check(word[1] == Mark, "byte order mark");
        if (word[2] != 1) throw new ShmemException("UnsupportedFormat", "version " + word[2]);

        ulong flags = word[6], size = word[10], align = word[11], item = word[26], added = word[25];
        Check(flags <= 7 && (flags & 5) != 4 && !((flags & 4) != 0 && word[9] == 2), "flags");
        Check(word[8] >= 1 && word[8] <= 1024 && word[9] >= 1 && word[9] <= 8, "handles or buffers");
        Check(size <= Most / 16 && align != 0 && align <= 4096 && (align & (align - 1)) == 0, "size or align");
        Check(word[13] <= 16 << 20 && word[15] <= 4096 && added <= 16 << 20, "texts");
        Check(added == 0 || (align <= 128 && item == 0), "additions");
        Check(item == 0 || (item <= Most / 16 && size % item == 0 && word[9] == 1), "item");
        Check((word[21] & ~0x1B6UL) == 0 && (word[21] == 0) == (word[22] == 0) && word[23] <= Most - 1025, "locks");

        ulong unit = Math.Max(align, 128), end = 256 + word[13] + word[15], additions = added == 0 ? 0 : Up(end, 8);
        ulong waiters = Up(added == 0 ? end : additions + added, 4096), rows = waiters + 4096 + 512;
        ulong gate = rows + 128 * word[8] + (item == 0 ? 0 : 640 + Up(item, 128));
        ulong buffers = Up(word[27] == 0 ? gate : gate + 128, unit);
        ulong stride = Up(Math.Max(size, 1), unit);
        if (size >= 4096 && unit < 4096) stride = Up(stride, 4096) + Up(512, unit);
        Check(stride <= (Most - buffers) / word[9], "too large");
        var expected = new ulong[] { 256, 256 + word[13], waiters, waiters + 4096, rows, buffers, stride, additions };
        var found = new[] { word[12], word[14], word[16], word[17], word[18], word[19], word[20], word[24] };
        Check(word[3] == buffers + stride * word[9] && expected.SequenceEqual(found), "where its parts lie");
        Check(word[28] == (word[27] == 0 ? 0 : gate) && (word[27] == 0 || word[9] == 1), "lock before the value");
        Check((ulong)file.Length == word[3], "size of the file");

        byte[] schema = Read((int)word[13]), text = Read((int)word[15]);
        Check(word[31] == Hash.Fnv1a(raw.Take(248).Concat(schema).Concat(text)), "checksum");
        Check(word[4] == Hash.Fnv1a(schema), "fingerprint");
        Name = Text.Utf8(text);
        if (name != null && name != Name) throw new ShmemException("NotAnObject", "it is called " + Name);
        Schema = new Parser(Text.Utf8(schema)).Whole();
        Check(added == 0 ? Schema.Size == size : Schema.Size <= size, "size of the value");
        Check(item == 0 || (Schema.Kind == "array" && Schema.Count == size / item), "length of the array");
        if (word[27] != 0) throw new ShmemException("UnsupportedFormat", "a value behind a pthread lock");
    }

    byte[] Read(int length)
    {
        var part = new byte[length];
        for (int done = 0, more; done < length; done += more)
            if ((more = file.Read(part, done, length - done)) == 0) throw new ShmemException("Corrupt", "cut short");
        return part;
    }

    static ulong Up(ulong number, ulong unit) { return (number + unit - 1) / unit * unit; }

    static void Check(bool holds, string what)
    {
        if (!holds) throw new ShmemException("Corrupt", what);
    }

    static byte[] Boot()
    {
        try { return File.ReadAllBytes("/proc/sys/kernel/random/boot_id"); }
        catch (IOException) { return new byte[0]; }
    }

    /// The name of the file of a named object.
    static string FileName(string name)
    {
        var text = Encoding.UTF8.GetBytes(name);
        if (text.Length < 1 || text.Length > 1024 || text.Contains((byte)0))
            throw new ShmemException("InvalidName", "1 to 1,024 bytes, no NUL");
        var file = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            var c = (char)text[i];
            var plain = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_';
            file.Append(plain || (c == '.' && i > 0) ? c.ToString() : "%" + text[i].ToString("X2"));
        }
        return file.Length <= 200 ? file.ToString() : file.ToString(0, 167) + "~" + Hash.Fnv1a128(text);
    }
}

/// The two hashes, FNV-1a.
static class Hash
{
    public static ulong Fnv1a(IEnumerable<byte> bytes)
    {
        var hash = 0xcbf29ce484222325;
        foreach (var b in bytes) hash = unchecked((hash ^ b) * 0x100000001b3);
        return hash;
    }

    public static string Fnv1a128(byte[] bytes)
    {
        // The factor is 2^88 + 0x13b.
        ulong high = 0x6c62272e07bb0142, low = 0x62b821756295c58d;
        foreach (var b in bytes)
        {
            unchecked
            {
                low ^= b;
                var carry = ((low >> 32) * 0x13b + ((low & 0xFFFFFFFF) * 0x13b >> 32)) >> 32;
                high = high * 0x13b + (low << 24) + carry;
                low *= 0x13b;
            }
        }
        return high.ToString("x16") + low.ToString("x16");
    }
}

/// What .NET has no word for: who owns a file, and whether somebody holds a lock in it.
static class Native
{
    public sealed class About
    {
        public uint Owner, Mode;
        public bool IsFile { get { return (Mode & 0xF000) == 0x8000; } }
        public bool IsDirectory { get { return (Mode & 0xF000) == 0x4000; } }
    }

    [StructLayout(LayoutKind.Sequential)]
    struct Flock { public short Type, Whence; public long Start, Length; public int Process; }

    [DllImport("libc")] public static extern uint geteuid();
    [DllImport("libc")] static extern int statx(int directory, string path, int flags, uint mask, byte[] found);
    [DllImport("libc")] static extern int fcntl(int file, int command, ref Flock range);

    /// Looks, without following a link; `null` if there is nothing.
    public static About Look(string path)
    {
        var found = new byte[256];
        if (statx(-100, path, 0x100, 0x7ff, found) != 0) return null;
        return new About { Owner = BitConverter.ToUInt32(found, 20), Mode = BitConverter.ToUInt16(found, 28) };
    }

    public static bool IsLocked(FileStream file, ulong start, ulong length)
    {
        const int GetLock = 36, ReadLock = 0, Unlocked = 2;
        var range = new Flock { Type = ReadLock, Start = (long)start, Length = (long)length };
        return fcntl((int)file.SafeFileHandle.DangerousGetHandle(), GetLock, ref range) != 0 || range.Type != Unlocked;
    }
}
