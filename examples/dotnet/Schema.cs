// The description of a type that an object stores: "The schema" of docs/format.md. Nothing in the text is believed.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Numerics;
using System.Text;

static class Text
{
    public static readonly Encoding Strict = new UTF8Encoding(false, true);

    public static string Utf8(byte[] bytes)
    {
        try { return Strict.GetString(bytes); }
        catch (ArgumentException) { throw new ShmemException("Corrupt", "not UTF-8"); }
    }
}

/// One part of a type.
sealed class Part
{
    public string Kind, Name, Type, Extra;
    public ulong Offset, Size, Count;
    public readonly List<Part> Parts = new List<Part>();
    public readonly Dictionary<string, string> Variants = new Dictionary<string, string>();

    /// The value in text.
    public string Show(byte[] data, int at)
    {
        var size = (int)Size;
        switch (Kind)
        {
            case "struct":
                return Type + " { " + string.Join(", ", Parts.Select(f => f.Name + ": " + f.Show(data, at + (int)f.Offset))) + " }";
            case "array":
                return Items(data, at, Count);
            case "vec":
                return Items(data, at + 8, BitConverter.ToUInt64(data, at));
            case "option":
                var tag = BitConverter.ToUInt64(data, at);
                if (tag > 1) throw Invalid(tag);
                return tag == 0 ? "None" : "Some(" + Parts[0].Show(data, at + 8) + ")";
            case "str":
                var length = BitConverter.ToUInt32(data, at);
                if (length > Count) throw Invalid(length);
                try { return "\"" + Text.Strict.GetString(data, at + 4, (int)length) + "\""; }
                catch (ArgumentException) { throw Invalid("not UTF-8"); }
            case "float":
                return size == 4 ? BitConverter.ToSingle(data, at).ToString("R", CultureInfo.InvariantCulture)
                                 : BitConverter.ToDouble(data, at).ToString("R", CultureInfo.InvariantCulture);
        }
        var signed = Kind == "int" || Kind.EndsWith("-int") || Extra.StartsWith("i");
        var bytes = data.Skip(at).Take(size);
        if (!BitConverter.IsLittleEndian) bytes = bytes.Reverse();
        var number = new BigInteger(signed ? bytes.ToArray() : bytes.Concat(new byte[] { 0 }).ToArray());
        if (Kind == "bool" && number < 2) return number == 1 ? "true" : "false";
        if (Kind == "char" && (number < 0xD800 || number >= 0xE000 && number < 0x110000))
            return "'" + char.ConvertFromUtf32((int)number) + "'";
        if (Kind == "enum" && Variants.ContainsKey(number.ToString())) return Variants[number.ToString()];
        if (Kind == "bool" || Kind == "char" || Kind == "enum") throw Invalid(number);
        if (number == 0 && Kind.StartsWith("nonzero")) throw Invalid(number);
        return number == 0 && Kind.StartsWith("maybe") ? "None" : number.ToString();
    }

    string Items(byte[] data, int at, ulong count)
    {
        if (count > Count || Parts[0].Size == 0 && count > 65536) throw Invalid(count);
        return "[" + string.Join(", ", Enumerable.Range(0, (int)count).Select(i => Parts[0].Show(data, at + i * (int)Parts[0].Size))) + "]";
    }

    ShmemException Invalid(object found) { return new ShmemException("InvalidValue", Kind + " " + Name + " is " + found); }
}

/// Reads the text, line by line.
sealed class Parser
{
    static readonly Dictionary<string, string> Sizes = new Dictionary<string, string>
    {
        { "uint", "1 2 4 8 16" }, { "int", "1 2 4 8 16" }, { "nonzero-uint", "1 2 4 8 16" }, { "nonzero-int", "1 2 4 8 16" },
        { "maybe-uint", "1 2 4 8 16" }, { "maybe-int", "1 2 4 8 16" }, { "atomic-uint", "1 2 4 8" }, { "atomic-int", "1 2 4 8" },
        { "float", "4 8" }, { "bool", "1" }, { "char", "4" },
    };

    readonly string[] lines;
    int at;
    string[] next; // the columns of the line that is read next

    public Parser(string text)
    {
        Check(text.EndsWith("\n", StringComparison.Ordinal), "the last line has no end");
        lines = text.Substring(0, text.Length - 1).Split('\n');
        Check(lines.Length <= 65536, "too many lines");
        Advance();
    }

    public Part Whole()
    {
        var whole = Part(0);
        Check(whole.Offset == 0 && whole.Name == "" && next == null, "not one outermost type");
        return whole;
    }

    Part Part(ulong depth)
    {
        Check(next != null && Number(next[0]) == depth && depth < 64, "not at the depth that it should be");
        var part = new Part { Kind = next[1], Offset = Number(next[2]), Size = Number(next[3]), Name = next[4], Type = next[5], Extra = next[7] };
        var version = next[6];
        Check(version == "" || (part.Kind == "struct" || part.Kind == "enum") && Number(version) > 0 && Number(version) <= uint.MaxValue, "a version");
        Check((part.Type == "") == (part.Kind == "array"), "a type has no name");
        var counted = part.Kind == "array" || part.Kind == "str" || part.Kind == "vec";
        Check((part.Extra != "") == (counted || part.Kind == "enum"), "the last column is wrong");
        if (counted) part.Count = Number(part.Extra);
        Advance();
        switch (part.Kind)
        {
            case "struct":
                var names = new HashSet<string>();
                for (ulong end = 0; IsInside(depth);)
                {
                    var field = Part(depth + 1);
                    Check(field.Name != "" && names.Add(field.Name), "a field has no name of its own");
                    Check(field.Offset <= part.Size && field.Size <= part.Size - field.Offset, "a field reaches too far");
                    Check(field.Size == 0 || field.Offset >= end, "a field overlaps the one before");
                    if (field.Size > 0) end = field.Offset + field.Size;
                    part.Parts.Add(field);
                }
                break;
            case "enum":
                Enum(part, depth);
                break;
            case "array": case "vec": case "option":
                var item = Part(depth + 1);
                var head = part.Kind == "array" ? 0UL : 8;
                var count = part.Kind == "option" ? 1 : part.Count;
                Check(item.Name == "" && item.Offset == head, "an item has a name or another offset");
                Check(head + (BigInteger)count * item.Size == part.Size, "the items are not the whole");
                part.Parts.Add(item);
                part.Count = count;
                break;
            case "str":
                Check((BigInteger)part.Count + 4 == part.Size, "the size does not follow from the capacity");
                break;
            default:
                string sizes;
                Check(Sizes.TryGetValue(part.Kind, out sizes) && sizes.Split(' ').Contains(part.Size.ToString()), "no such kind and size");
                break;
        }
        return part;
    }

    void Enum(Part part, ulong depth)
    {
        var bits = part.Size <= 8 ? (int)(8 * part.Size) : 0;
        Check("8 16 32 64".Split(' ').Contains(bits.ToString()) && (part.Extra == "u" + bits || part.Extra == "i" + bits), "an enum of another size");
        var low = part.Extra[0] == 'i' ? -BigInteger.Pow(2, bits - 1) : 0;
        var names = new HashSet<string>();
        for (; IsInside(depth); Advance())
        {
            var expected = new[] { (depth + 1).ToString(), "variant", "0", part.Size.ToString(), next[4], "", "", next[7] };
            Check(next.SequenceEqual(expected) && next[4] != "" && next[7].Length <= 20, "not a variant");
            BigInteger number;
            Check(BigInteger.TryParse(next[7], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number), "no number");
            Check(number.ToString() == next[7] && number >= low && number < low + BigInteger.Pow(2, bits), "no number of it");
            Check(names.Add(next[4]) && !part.Variants.ContainsKey(next[7]), "two variants of one name or number");
            part.Variants.Add(next[7], next[4]);
        }
        Check(part.Variants.Count > 0, "an enum without variants");
    }

    bool IsInside(ulong depth) { return next != null && Number(next[0]) > depth; }

    void Advance()
    {
        next = at < lines.Length ? lines[at++].Split('\t') : null;
        if (next == null) return;
        Check(next.Length == 8, "not 8 columns");
        Check(!next.Any(column => column.Any(char.IsControl)), "a control character");
        foreach (var i in new[] { 0, 2, 3 }) Number(next[i]);
    }

    ulong Number(string text)
    {
        ulong number;
        Check(ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number.ToString() == text, "not a number");
        return number;
    }

    void Check(bool holds, string what)
    {
        if (!holds) throw new ShmemException("Corrupt", "line " + at + " of the schema: " + what);
    }
}
