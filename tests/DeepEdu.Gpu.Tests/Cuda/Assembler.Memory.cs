using System.Globalization;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <content>Loads, stores, atomics, and what changes the flow of control.</content>
internal static unsafe partial class Assembler
{
    private static bool Memory(KernelCode code, PtxStatement s, Instruction i, string[] words)
    {
        if (words[0] is "atom" or "red") { return Atomic(code, s, i, words); }
        if (words[0] is not ("ld" or "st")) { return false; }
        bool loads = words[0] == "ld";
        var rest = words.AsSpan(1);
        if (s.Name is "ld.acquire.gpu.global.u32" or "ld.acquire.gpu.global.b32")
        {
            i.Flow = Flow.Look;
            i.Run = &Atomics.Look;
            i.D = Write(code, s, i, s.Operands[0], "u32");
            Address(code, s, i, s.Operands[1], "global");
            return true;
        }
        if (rest[0] is "volatile" or "relaxed" or "weak") { rest = rest[1..]; }
        string space = "";
        if (rest[0] is "global" or "shared" or "param" or "local" or "const")
        {
            space = rest[0];
            rest = rest[1..];
        }
        if (rest[0] is "nc" or "ca" or "cg" or "cs") { rest = rest[1..]; }
        int vector = rest[0] switch { "v2" => 2, "v4" => 4, _ => 1 };
        if (vector > 1) { rest = rest[1..]; }
        if (rest.Length != 1 || s.Operands.Length != 2) { return false; }
        string type = rest[0], values = s.Operands[loads ? 0 : 1];
        string[] parts = vector == 1 ? [values] : [.. values.Trim('{', '}').Split(',').Select(v => v.Trim())];
        if (parts.Length != vector) { throw Unknown(s, $"{vector} values are expected"); }
        i.V = [.. parts.Select(p => loads ? Write(code, s, i, p, type) : Read(code, s, i, p, type))];
        Address(code, s, i, s.Operands[loads ? 1 : 0], space);
        i.Run = type switch
        {
            "f32" or "b32" or "u32" or "s32" => Of<uint>(space, loads),
            "f64" or "b64" or "u64" or "s64" => Of<ulong>(space, loads),
            "u8" or "b8" => Of<byte>(space, loads),
            "s8" => Of<sbyte>(space, loads),
            "u16" or "b16" => Of<ushort>(space, loads),
            "s16" => Of<short>(space, loads),
            _ => null,
        };
        return i.Run is not null;
    }

    private static delegate*<Warp, Instruction, void> Of<T>(string space, bool loads) where T : unmanaged => (space, loads) switch
    {
        ("global", true) => &Access.Load<T, Access.Global>,
        ("global", false) => &Access.Store<T, Access.Global>,
        // marks of shared memory are of whole words
        ("shared", true) when sizeof(T) >= 4 => &Access.Load<T, Access.Shared>,
        ("shared", false) when sizeof(T) >= 4 => &Access.Store<T, Access.Shared>,
        ("param", true) => &Access.LoadParameter<T>,
        _ => null,
    };

    // [register], [register+number], [variable+number]
    private static void Address(KernelCode code, PtxStatement s, Instruction i, string operand, string space)
    {
        if (operand.Length < 3 || operand[0] != '[' || operand[^1] != ']') { throw Unknown(s, $"{operand} is no address"); }
        string text = string.Concat(operand[1..^1].Where(c => !char.IsWhiteSpace(c)));
        int plus = text.IndexOf('+', StringComparison.Ordinal);
        string name = plus < 0 ? text : text[..plus];
        if (plus > 0 && !long.TryParse(text.AsSpan(plus + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out i.Offset)) { throw Unknown(s, $"{operand} is no address"); }
        if (space == "param")
        {
            i.Offset += (code.Parameter(name) ?? throw Unknown(s, $"{name} is no parameter")).Offset;
            return;
        }
        // 64 bits, but a shared address fits in 32
        var r = code.Find(name);
        i.IsInverted = r is { Bytes: 4 } && space == "shared";
        i.A = Read(code, s, i, name, i.IsInverted ? "u32" : "u64");
    }

    // atom.global.add.f32 d, [a], b; red.global.add.f32 [a], b; atom.global.cas.b32 d, [a], b, c
    private static bool Atomic(KernelCode code, PtxStatement s, Instruction i, string[] words)
    {
        string[] rest = [.. words[1..].Where(w => w is not ("relaxed" or "gpu" or "cta"))];
        if (rest is not ["global" or "shared", _, _]) { return false; }
        bool returns = words[0] == "atom", isGlobal = rest[0] == "global";
        string type = rest[2];
        int at = returns ? 1 : 0;
        if (s.Operands.Length != at + (rest[1] == "cas" ? 3 : 2)) { throw Unknown(s, "other operands are expected"); }
        i.Run = type switch
        {
            "u32" or "b32" => Atomics.Of<uint>(rest[1], isGlobal),
            "s32" => Atomics.Of<int>(rest[1], isGlobal),
            "u64" or "b64" => Atomics.Of<ulong>(rest[1], isGlobal),
            "f32" => Atomics.Of<float>(rest[1], isGlobal),
            _ => null,
        };
        if (i.Run is null) { return false; }
        i.D = returns ? Write(code, s, i, s.Operands[0], type) : -1;
        Address(code, s, i, s.Operands[at], rest[0]);
        i.B = Read(code, s, i, s.Operands[at + 1], type);
        i.C = rest[1] == "cas" ? Read(code, s, i, s.Operands[at + 2], type) : i.B;
        return true;
    }

    private static bool Flows(KernelCode code, PtxStatement s, Instruction i, string[] words)
    {
        i.Run = &Warps.Nothing;
        i.IsUniform = words[^1] == "uni";
        switch (s.Name)
        {
            case "bra" or "bra.uni":
                (i.Flow, i.Target) = (Flow.Branch, code.Label(s, s.Operands[0]));
                return true;
            case "brx.idx" or "brx.idx.uni":
                i.Flow = Flow.Branch;
                i.A = Read(code, s, i, s.Operands[0], "u32");
                i.Targets = [.. code.Table(s, s.Operands[1]).Select(l => code.Label(s, l))];
                return true;
            case "ret" or "ret.uni" or "exit":
                i.Flow = Flow.Return;
                return true;
            case "bar.sync" or "barrier.sync" or "barrier.sync.aligned" or "bar.cta.sync":
                if (s.Operands.Length != 1 || !int.TryParse(s.Operands[0], out int barrier)) { throw Unknown(s, "a barrier of some threads is not emulated"); }
                (i.Flow, i.Offset) = (Flow.Barrier, barrier);
                return true;
            case "bar.warp.sync":
                i.Flow = Flow.Together;
                WholeWarp(s);
                return true;
            case "membar.gl" or "fence.acq_rel.gpu":
                i.Run = &Warps.Fence;
                return true;
            case "membar.cta" or "fence.acq_rel.cta":
                return true;
            case "trap":
                i.Run = &Warps.Trap;
                return true;
            case "activemask.b32":
                i.Run = &Warps.ActiveMask;
                i.D = Write(code, s, i, s.Operands[0], "b32");
                return true;
            case "shfl.sync.up.b32" or "shfl.sync.down.b32" or "shfl.sync.bfly.b32" or "shfl.sync.idx.b32":
                i.Flow = Flow.Together;
                WholeWarp(s);
                string[] d = s.Operands[0].Split('|');
                (i.D, i.A, i.B, i.C) = (Write(code, s, i, d[0].Trim(), "b32"), Read(code, s, i, s.Operands[1], "b32"), Read(code, s, i, s.Operands[2], "u32"), Read(code, s, i, s.Operands[3], "u32"));
                i.E = d.Length > 1 ? WritePredicate(code, s, i, d[1].Trim()) : -1;
                i.Target = words[2] switch { "up" => 0, "down" => 1, "bfly" => 2, _ => 3 };
                i.Run = &Warps.Shuffle;
                return true;
            case "vote.sync.all.pred" or "vote.sync.any.pred" or "vote.sync.ballot.b32":
                i.Flow = Flow.Together;
                WholeWarp(s);
                i.IsInverted = s.Operands[1][0] == '!';
                i.A = ReadPredicate(code, s, i, s.Operands[1].TrimStart('!'));
                i.D = words[3] == "pred" ? WritePredicate(code, s, i, s.Operands[0]) : Write(code, s, i, s.Operands[0], "b32");
                i.Run = words[2] switch { "all" => &Warps.All, "any" => &Warps.Any, _ => &Warps.Ballot };
                return true;
            default:
                return false;
        }
    }

    private static void WholeWarp(PtxStatement s)
    {
        if (!TryNumber(s.Operands[^1], "u32", out ulong mask) || mask != uint.MaxValue) { throw Unknown(s, "only all threads of a warp together are emulated"); }
    }

    // mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {d}, {a}, {b}, {c}
    private static bool Matrices(KernelCode code, PtxStatement s, Instruction i)
    {
        i.Run = s.Name switch
        {
            "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" => &TensorCore.Tf32,
            "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32" => &TensorCore.BFloat16,
            _ => null,
        };
        if (i.Run is null) { return false; }
        i.Flow = Flow.Together;
        string[][] parts = [.. s.Operands.Select(o => o.Trim('{', '}').Split(',').Select(v => v.Trim()).ToArray())];
        if (parts is not [{ Length: 4 }, { Length: 4 }, { Length: 2 }, { Length: 4 }]) { throw Unknown(s, "fragments of 4, 4, 2 and 4 registers are expected"); }
        i.V =
        [
            .. parts[0].Select(p => Write(code, s, i, p, "f32")), .. parts[1].Select(p => Read(code, s, i, p, "b32")),
            .. parts[2].Select(p => Read(code, s, i, p, "b32")), .. parts[3].Select(p => Read(code, s, i, p, "f32")),
        ];
        return true;
    }
}
