using System.Text;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Writes the smallest shared library that the loader of x86-64 Linux takes: named functions, each a jump through a slot of a table that the library exports too. Whoever loads it
/// fills the slots. Two segments (code, data), a symbol table with its hash, and nothing else.</summary>
internal static class SharedLibrary
{
    /// <summary>The exported name of the table of slots, 8 bytes a function in their order.</summary>
    public const string Slots = "slots";

    private const int HeaderSize = 64, SegmentSize = 56, Segments = 4, SymbolSize = 24, Page = 0x1000, JumpSize = 8, DynamicEntries = 7;

    /// <summary>The bytes of a library.</summary>
    /// <param name="soname">The name under which it counts as loaded.</param>
    /// <param name="functions">What it exports.</param>
    public static byte[] Of(string soname, IReadOnlyList<string> functions)
    {
        int n = functions.Count, symbols = n + 2; // the first symbol is none, the last the table
        MemoryStream strings = new();
        strings.WriteByte(0);
        int[] names = [.. functions.Append(Slots).Select(s => Put(strings, s))];
        int library = Put(strings, soname);

        int symbolsAt = HeaderSize + (Segments * SegmentSize), hashAt = symbolsAt + (symbols * SymbolSize), stringsAt = hashAt + ((2 + symbols + symbols) * 4);
        int codeAt = Up(stringsAt + (int)strings.Length, 16), codeEnd = codeAt + (n * JumpSize), dynamicAt = Up(codeEnd, Page), slotsAt = dynamicAt + (DynamicEntries * 16), end = slotsAt + (n * 8);
        byte[] file = new byte[end];
        strings.ToArray().CopyTo(file, stringsAt);

        // header: 64 bits, little-endian, a shared object for x86-64
        ((byte[])[0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1]).CopyTo(file, 0);
        (Half(file, 16), Half(file, 18), Word(file, 20)) = (3, 62, 1);
        (Long(file, 32), Half(file, 52), Half(file, 54), Half(file, 56), Half(file, 58)) = (HeaderSize, HeaderSize, SegmentSize, Segments, 64);
        Segment(file, 0, kind: 1, flags: 5, 0, codeEnd); // read and run
        Segment(file, 1, kind: 1, flags: 6, dynamicAt, end - dynamicAt); // read and write
        Segment(file, 2, kind: 2, flags: 6, dynamicAt, DynamicEntries * 16);
        Segment(file, 3, kind: 0x6474E551, flags: 6, 0, 0); // the stack need not be runnable

        for (int i = 0; i <= n; i++)
        {
            int at = symbolsAt + ((i + 1) * SymbolSize);
            (Word(file, at), file[at + 4], Half(file, at + 6)) = ((uint)names[i], (byte)(i < n ? 0x12 : 0x11), 1);
            (Long(file, at + 8), Long(file, at + 16)) = i < n ? (codeAt + (i * JumpSize), JumpSize) : (slotsAt, n * 8);
        }
        Hash(file, hashAt, [.. functions, Slots]);
        for (int i = 0; i < n; i++)
        {
            // jmp [rip + distance to the slot]
            int at = codeAt + (i * JumpSize);
            (file[at], file[at + 1]) = (0xFF, 0x25);
            Word(file, at + 2) = (uint)(slotsAt + (i * 8) - (at + 6));
        }
        (int Tag, int Value)[] dynamic = [(14, library), (4, hashAt), (5, stringsAt), (6, symbolsAt), (10, (int)strings.Length), (11, SymbolSize), (0, 0)];
        for (int i = 0; i < dynamic.Length; i++) { (Long(file, dynamicAt + (i * 16)), Long(file, dynamicAt + (i * 16) + 8)) = (dynamic[i].Tag, dynamic[i].Value); }
        return file;
    }

    // one bucket a symbol; each bucket is a chain through the numbers of symbols
    private static void Hash(byte[] file, int at, string[] names)
    {
        int buckets = names.Length + 1;
        (Word(file, at), Word(file, at + 4)) = ((uint)buckets, (uint)buckets);
        for (int i = 1; i <= names.Length; i++)
        {
            uint h = 0;
            foreach (char c in names[i - 1])
            {
                h = (h << 4) + c;
                uint high = h & 0xF0000000;
                h = (h ^ (high >> 24)) & ~high;
            }
            int bucket = at + 8 + ((int)(h % (uint)buckets) * 4);
            Word(file, at + 8 + ((buckets + i) * 4)) = Word(file, bucket);
            Word(file, bucket) = (uint)i;
        }
    }

    private static void Segment(byte[] file, int i, uint kind, uint flags, long from, long length)
    {
        int at = HeaderSize + (i * SegmentSize);
        (Word(file, at), Word(file, at + 4), Long(file, at + 8), Long(file, at + 16), Long(file, at + 24)) = (kind, flags, from, from, from);
        (Long(file, at + 32), Long(file, at + 40), Long(file, at + 48)) = (length, length, kind == 1 ? Page : 8);
    }

    private static int Put(MemoryStream strings, string s)
    {
        int at = (int)strings.Length;
        strings.Write(Encoding.ASCII.GetBytes(s + '\0'));
        return at;
    }

    private static int Up(int n, int to) => (n + to - 1) / to * to;

    private static ref ushort Half(byte[] file, int at) => ref System.Runtime.CompilerServices.Unsafe.As<byte, ushort>(ref file[at]);

    private static ref uint Word(byte[] file, int at) => ref System.Runtime.CompilerServices.Unsafe.As<byte, uint>(ref file[at]);

    private static ref long Long(byte[] file, int at) => ref System.Runtime.CompilerServices.Unsafe.As<byte, long>(ref file[at]);
}
