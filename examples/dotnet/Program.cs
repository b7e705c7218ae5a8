// The programs: `show` for people, the others for tests/tests/other_languages.rs; see tests/readers/reader.c.

using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;

static class Program
{
    static int Main(string[] args)
    {
        Console.OutputEncoding = new UTF8Encoding(false);
        try
        {
            switch (args.Length > 1 ? args[0] : "")
            {
                case "show": return Show(args[1], args.Length > 2 ? int.Parse(args[2]) : int.MaxValue);
                case "probe": return Probe(args[1]);
                case "read": return Read(args[1], long.Parse(args[2]), long.Parse(args[3]));
            }
        }
        catch (ShmemException error)
        {
            Console.WriteLine("open: " + error.Kind);
            return 2;
        }
        Console.WriteLine("usage: Reader show NAME [VERSIONS]");
        return 1;
    }

    /// One line for each version, as long as the object is there; looks every 50 ms.
    static int Show(string name, int versions)
    {
        using (var shared = SharedObject.Open(name))
        {
            var value = new byte[shared.Size];
            for (ulong seen = 0; versions > 0 && !shared.IsRemoved;)
            {
                if (shared.Version == seen)
                {
                    Thread.Sleep(50);
                    continue;
                }
                seen = shared.Load(value);
                Console.WriteLine("v" + seen + " " + shared.Schema.Show(value, 0));
                versions--;
            }
            return 0;
        }
    }

    static int Probe(string directory)
    {
        foreach (var path in Directory.GetFiles(directory).OrderBy(path => path, StringComparer.Ordinal))
        {
            string opened = "Ok", loaded = "";
            try
            {
                using (var shared = SharedObject.OpenPath(path))
                {
                    loaded = " Ok";
                    try
                    {
                        var value = new byte[shared.Size];
                        shared.Load(value);
                        shared.Schema.Show(value, 0);
                    }
                    catch (ShmemException error) { loaded = " " + error.Kind; }
                }
            }
            catch (ShmemException error) { opened = error.Kind; }
            Console.WriteLine(Path.GetFileName(path) + " " + opened + loaded);
        }
        return 0;
    }

    static int Read(string name, long count, long wanted)
    {
        using (var shared = SharedObject.Open(name))
        {
            var value = new byte[shared.Size];
            var words = new ulong[value.Length / 8];
            long reads = 0, torn = 0, changes = 0;
            for (ulong last = 0; reads < count || changes < wanted;)
            {
                try { shared.Load(value); }
                catch (ShmemException error) when (error.Kind == "Busy") { continue; }
                Buffer.BlockCopy(value, 0, words, 0, value.Length);
                reads++;
                if (!IsWhole(words)) torn++;
                if (words[0] != last) changes++;
                last = words[0];
            }
            Console.WriteLine("{0} reads, {1} torn, {2} changes", reads, torn, changes);
            return 0;
        }
    }

    /// Whether each word follows from the first, as in tests/src/value.rs.
    static bool IsWhole(ulong[] words)
    {
        var word = unchecked(words[0] * 0x9E3779B97F4A7C15);
        for (var i = words.Length - 1; i > 1; i--, word = unchecked(word + (words[0] | 1)))
            if (words[i] != word) return false;
        return true;
    }
}
