using System.Globalization;
using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>A kernel in instructions that can be run: registers have places, labels are numbers, and each instruction knows its function. Unknown words are errors here, not later.</summary>
internal sealed unsafe class KernelCode
{
    private readonly Dictionary<string, Register> _registers = [];
    private readonly Dictionary<(ulong Bits, int Bytes), Register> _numbers = [];
    private readonly Dictionary<string, Register> _special = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly Dictionary<string, string[]> _tables = [];
    private readonly Dictionary<string, int> _shared = [];
    private readonly Dictionary<string, PtxVariable> _parameters;
    private readonly List<string> _names = [];
    private readonly List<byte> _constants = [];

    private KernelCode(PtxText text, string name)
    {
        Name = name;
        _parameters = text.Parameters.ToDictionary(p => p.Name);
        foreach (var limit in text.Limits) { Limit(limit); }
        foreach (var s in text.Outside) { Share(s); }
        // numbers and special registers first, so that a warp's are one copy
        List<PtxStatement> code = [];
        foreach (var s in text.Body)
        {
            if (s.Label is { } label) { _labels[label] = code.Count; }
            else if (s.Name == ".branchtargets") { _tables[_labels.Last(l => l.Value == code.Count).Key] = s.Operands; }
            else if (s.Name == ".shared") { Share(s); }
            else if (s.Name == ".reg") { _declarations.Add(s); }
            else if (s.Name is ".loc" or ".pragma") { }
            else if (s.Name[0] == '.') { throw new FormatException($"line {s.Line}: {s.Name} is not emulated"); }
            else { code.Add(s); }
        }
        foreach (var s in code) { CollectNumbers(s); }
        RegisterBytes = _constants.Count;
        foreach (var s in _declarations) { Declare(s); }
        Instructions = [.. code.Select(s => Assembler.Of(this, s))];
        Constants = [.. _constants];
    }

    private readonly List<PtxStatement> _declarations = [];

    public string Name { get; }

    public Instruction[] Instructions { get; }

    /// <summary>What a warp's registers begin with.</summary>
    public byte[] Constants { get; }

    /// <summary>Special registers that are used, and where they lie.</summary>
    public IEnumerable<(string Name, int At)> Special => _special.Select(s => (s.Key, s.Value.At));

    public int RegisterBytes { get; private set; }

    public int RegisterCount => _names.Count;

    public int SharedBytes { get; private set; }

    public int MostThreads { get; private set; } = 1024;

    public static KernelCode Of(string ptx, string entry) => new(PtxText.Kernel(ptx, entry), entry);

    public string NameOf(int register) => _names[register];

    /// <summary>Where a label is.</summary>
    public int Label(PtxStatement s, string label) => _labels.TryGetValue(label, out int at) ? at : throw new FormatException($"line {s.Line}: no label {label}");

    /// <summary>The labels of a table.</summary>
    public string[] Table(PtxStatement s, string label) => _tables.TryGetValue(label, out var table) ? table : throw new FormatException($"line {s.Line}: no table {label}");

    /// <summary>A register by its name, or null.</summary>
    public Register? Find(string name) => _registers.GetValueOrDefault(name) ?? _special.GetValueOrDefault(name);

    /// <summary>A parameter by its name, or null.</summary>
    public PtxVariable? Parameter(string name) => _parameters.GetValueOrDefault(name);

    /// <summary>The address of a variable in shared memory, or null.</summary>
    public long? SharedAddress(string name) => _shared.TryGetValue(name, out int at) ? at : null;

    /// <summary>The register of a number, made while the code is looked through.</summary>
    public Register Number(ulong bits, int bytes) => _numbers.TryGetValue((bits, bytes), out var known) ? known : _numbers[(bits, bytes)] = NewNumber(bits, bytes);

    private Register NewNumber(ulong bits, int bytes)
    {
        if (Constants is not null || RegisterBytes > 0) { throw new InvalidOperationException("a number that was not collected"); }
        int size = bytes == 8 ? 8 : 4;
        Register r = new(_constants.Count, -1, bytes);
        for (int lane = 0; lane < 32; lane++) { _constants.AddRange(MemoryMarshal.AsBytes(new ReadOnlySpan<ulong>(in bits))[..size]); }
        return r;
    }

    // every number may be wanted in 4 and in 8 bytes, as an integer or as floating point: the instruction decides when it is made, so all are there
    private void CollectNumbers(PtxStatement s)
    {
        foreach (string operand in s.Operands.SelectMany(o => o.Trim('{', '}').Split(',')).Select(o => o.Trim()))
        {
            if (operand.Length == 0) { continue; }
            if (operand[0] == '%' && IsSpecial(operand))
            {
                if (!_special.ContainsKey(operand)) { _special[operand] = NewNumber(0, 4); }
            }
            else if (_shared.TryGetValue(operand, out int at))
            {
                _ = Number((ulong)at, 8);
                _ = Number((ulong)at, 4);
            }
            else if (char.IsDigit(operand[0]) || operand[0] == '-')
            {
                foreach (var (type, bytes) in (ReadOnlySpan<(string, int)>)[("u32", 4), ("u64", 8), ("f32", 4), ("f64", 8)])
                {
                    if (Assembler.TryNumber(operand, type, out ulong bits)) { _ = Number(bits, bytes); }
                }
            }
        }
    }

    private static bool IsSpecial(string name) => name is "%tid.x" or "%tid.y" or "%tid.z" or "%ntid.x" or "%ntid.y" or "%ntid.z" or "%ctaid.x" or "%ctaid.y" or "%ctaid.z"
        or "%nctaid.x" or "%nctaid.y" or "%nctaid.z" or "%laneid" or "%warpid";

    // .reg .f32 a, b<4>
    private void Declare(PtxStatement s)
    {
        var words = s.Operands[0].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        string type = words[0][1..];
        int bytes = type == "pred" ? 0 : int.Parse(type[1..], CultureInfo.InvariantCulture) / 8;
        foreach (string one in s.Operands[1..].Prepend(words[1]))
        {
            int cut = one.IndexOf('<', StringComparison.Ordinal);
            if (cut < 0) { Add(one, bytes); continue; }
            int count = int.Parse(one[(cut + 1)..^1], CultureInfo.InvariantCulture);
            for (int k = 0; k < count; k++) { Add(one[..cut] + k.ToString(CultureInfo.InvariantCulture), bytes); }
        }
    }

    private void Add(string name, int bytes)
    {
        if (!_registers.TryAdd(name, new(RegisterBytes, _names.Count, bytes))) { throw new FormatException($"register {name} is declared twice"); }
        _names.Add(name);
        RegisterBytes += bytes == 0 ? 32 : bytes == 8 ? 256 : 128;
    }

    private void Share(PtxStatement s)
    {
        var (align, bytes, name) = PtxText.Variable(s);
        int at = (SharedBytes + align - 1) / align * align;
        _shared[name] = at;
        SharedBytes = at + bytes;
    }

    private void Limit(PtxStatement s)
    {
        int[] sizes = [.. s.Operands.Select(o => int.Parse(o, CultureInfo.InvariantCulture))];
        switch (s.Name)
        {
            case ".maxntid" or ".reqntid":
                MostThreads = sizes.Aggregate(1, (a, b) => a * b);
                break;
            case ".minnctapersm" or ".maxnreg":
                break;
            default:
                throw new FormatException($"line {s.Line}: {s.Name} is not emulated");
        }
    }
}

/// <summary>A register: where it lies in a warp, its number (−1 for one that is always there), and its bytes (0 for a predicate: one bit a lane).</summary>
internal sealed record Register(int At, int Number, int Bytes);
