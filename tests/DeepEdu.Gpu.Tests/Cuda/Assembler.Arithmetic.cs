using System.Numerics;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <content>Arithmetic, conversions, comparisons and bits.</content>
internal static unsafe partial class Assembler
{
    private static bool Arithmetic(KernelCode code, PtxStatement s, Instruction i, string[] words)
    {
        string type = words[^1];
        string[] how = words.Length > 2 ? words[1..^1] : [];
        bool isFloat = type is "f32" or "f64", plain = how.Length == 0, nearest = plain || (how is ["rn"] && isFloat), approximate = how is ["approx"] or ["approx", "ftz"] && type == "f32";
        switch (words[0])
        {
            case "add" when nearest: return Use(code, s, i, Vectors<Ops.Add>(type), type, type, type);
            case "sub" when nearest: return Use(code, s, i, Vectors<Ops.Subtract>(type), type, type, type);
            case "mul" when nearest && isFloat: return Use(code, s, i, Vectors<Ops.Multiply>(type), type, type, type);
            case "mul" when how is ["lo"]: return Use(code, s, i, Whole(type) ? Vectors<Ops.Multiply>(type) : null, type, type, type);
            case "mad" when how is ["lo"]: return Use(code, s, i, Whole(type) ? Vectors<Ops.MultiplyAdd>(type) : null, type, type, type, type);
            case "fma" when how is ["rn"]: return Use(code, s, i, isFloat ? Vectors<Ops.FusedMultiplyAdd>(type) : null, type, type, type, type);
            case "mad" when nearest && isFloat: return Use(code, s, i, Vectors<Ops.FusedMultiplyAdd>(type), type, type, type, type);
            case "neg" when plain: return Use(code, s, i, Vectors<Ops.Negate>(type), type, type);
            case "abs" when plain: return Use(code, s, i, Vectors<Ops.Absolute>(type), type, type);
            case "min" when plain: return Use(code, s, i, Vectors<Ops.Minimum>(type), type, type, type);
            case "max" when plain: return Use(code, s, i, Vectors<Ops.Maximum>(type), type, type, type);
            case "div" when isFloat && (how is ["rn"] or ["full"] || approximate): return Use(code, s, i, Vectors<Ops.Divide>(type), type, type, type);
            case "sqrt" when isFloat && (how is ["rn"] || approximate): return Use(code, s, i, Vectors<Ops.SquareRoot>(type), type, type);
            case "rcp" when how is ["rn"] || approximate: return Use(code, s, i, type == "f64" ? &Lanes.Scalar<Ops.Reciprocal<double>, double, double, double, double> : &Lanes.Scalar<Ops.Reciprocal<float>, float, float, float, float>, type, type);
            case "rsqrt" when approximate: return Use(code, s, i, &Lanes.Scalar<Ops.ReciprocalRoot<float>, float, float, float, float>, type, type);
            case "ex2" when approximate: return Use(code, s, i, &Lanes.Scalar<Ops.Exp2, float, float, float, float>, type, type);
            case "lg2" when approximate: return Use(code, s, i, &Lanes.Scalar<Ops.Log2, float, float, float, float>, type, type);
            case "sin" when approximate: return Use(code, s, i, &Lanes.Scalar<Ops.Sine, float, float, float, float>, type, type);
            case "cos" when approximate: return Use(code, s, i, &Lanes.Scalar<Ops.Cosine, float, float, float, float>, type, type);
            case "tanh" when approximate: return Use(code, s, i, &Lanes.Scalar<Ops.Tangent, float, float, float, float>, type, type);
            case "copysign" when plain && isFloat: return Use(code, s, i, type == "f32" ? &Lanes.Scalar<Ops.CopySign<float>, float, float, float, float> : &Lanes.Scalar<Ops.CopySign<double>, double, double, double, double>, type, type, type);
            case "div" when plain: return Use(code, s, i, Quotients(type), type, type, type);
            case "rem" when plain: return Use(code, s, i, Remainders(type), type, type, type);
            case "mul" when how is ["hi"]: return Use(code, s, i, HighProducts(type), type, type, type);
            case "mul" when how is ["wide"]: return Use(code, s, i, WideProducts(type), Wider(type), type, type);
            case "mad" when how is ["wide"]: return Use(code, s, i, WideProductAdds(type), Wider(type), type, type, Wider(type));
            case "cvt": return Converts(code, s, i, words);
            default: return false;
        }
    }

    private static bool Logic(KernelCode code, PtxStatement s, Instruction i, string[] words)
    {
        string type = words[^1];
        bool plain = words.Length == 2, isPredicate = type == "pred" && plain;
        switch (words[0])
        {
            case "mov" when isPredicate: return UsePredicates(code, s, i, &Lanes.Predicate<Ops.Move>);
            case "not" when isPredicate: return UsePredicates(code, s, i, &Lanes.Predicate<Ops.Not>);
            case "and" when isPredicate: return UsePredicates(code, s, i, &Lanes.Predicate<Ops.And>);
            case "or" when isPredicate: return UsePredicates(code, s, i, &Lanes.Predicate<Ops.Or>);
            case "xor" when isPredicate: return UsePredicates(code, s, i, &Lanes.Predicate<Ops.Xor>);
            case "mov" when plain: return Use(code, s, i, Vectors<Ops.Move>(type), type, type);
            case "cvta" when words is ["cvta", "to", "global", "u64"] or ["cvta", "global", "u64"]: return Use(code, s, i, Vectors<Ops.Move>("u64"), "u64", "u64");
            case "and" when plain && type[0] == 'b': return Use(code, s, i, Vectors<Ops.And>(type), type, type, type);
            case "or" when plain && type[0] == 'b': return Use(code, s, i, Vectors<Ops.Or>(type), type, type, type);
            case "xor" when plain && type[0] == 'b': return Use(code, s, i, Vectors<Ops.Xor>(type), type, type, type);
            case "not" when plain && type[0] == 'b': return Use(code, s, i, Vectors<Ops.Not>(type), type, type);
            case "shl" when plain: return Use(code, s, i, type switch { "b32" => &Lanes.Scalar<Ops.Left<uint>, uint, uint, uint, uint>, "b64" => &Lanes.Scalar<Ops.Left<ulong>, ulong, uint, ulong, ulong>, _ => null }, type, type, "u32");
            case "shr" when plain: return Use(code, s, i, Rights(type), type, type, "u32");
            case "popc" when plain: return Use(code, s, i, type switch { "b32" => &Lanes.Scalar<Ops.Ones<uint>, uint, uint, uint, uint>, "b64" => &Lanes.Scalar<Ops.Ones<ulong>, ulong, ulong, ulong, uint>, _ => null }, "u32", type);
            case "clz" when plain: return Use(code, s, i, type switch { "b32" => &Lanes.Scalar<Ops.LeadingZeros<uint>, uint, uint, uint, uint>, "b64" => &Lanes.Scalar<Ops.LeadingZeros<ulong>, ulong, ulong, ulong, uint>, _ => null }, "u32", type);
            case "brev" when type == "b32" && plain: return Use(code, s, i, &Lanes.Scalar<Ops.Reverse, uint, uint, uint, uint>, type, type);
            case "selp" when plain: return Selects(code, s, i, type);
            case "setp": return Compares(code, s, i, words);
            case "testp": return Tests(code, s, i, words);
            default: return false;
        }
    }

    private static bool UsePredicates(KernelCode code, PtxStatement s, Instruction i, delegate*<Warp, Instruction, void> run)
    {
        i.Run = run;
        i.D = WritePredicate(code, s, i, s.Operands[0]);
        i.A = i.B = ReadPredicate(code, s, i, s.Operands[1]);
        if (s.Operands.Length > 2) { i.B = ReadPredicate(code, s, i, s.Operands[2]); }
        return true;
    }

    private static bool Selects(KernelCode code, PtxStatement s, Instruction i, string type)
    {
        i.Run = BytesOf(s, type) == 8 ? &Lanes.Select<ulong> : &Lanes.Select<uint>;
        (i.D, i.A, i.B, i.C) = (Write(code, s, i, s.Operands[0], type), Read(code, s, i, s.Operands[1], type), Read(code, s, i, s.Operands[2], type), ReadPredicate(code, s, i, s.Operands[3]));
        return true;
    }

    // setp.lt.f32 p, a, b; setp.lt.and.f32 p, a, b, [!]c
    private static bool Compares(KernelCode code, PtxStatement s, Instruction i, string[] words)
    {
        string type = words[^1];
        if (words.Length is < 3 or > 4 || s.Operands.Length != words.Length || s.Operands[0].Contains('|', StringComparison.Ordinal)) { return false; }
        i.Run = Comparison(words[1], type);
        if (i.Run is null) { return false; }
        (i.D, i.A, i.B) = (WritePredicate(code, s, i, s.Operands[0]), Read(code, s, i, s.Operands[1], type), Read(code, s, i, s.Operands[2], type));
        if (words.Length == 3) { return true; }
        i.E = words[2] switch { "and" => 1, "or" => 2, "xor" => 3, _ => throw Unknown(s, words[2]) };
        i.IsInverted = s.Operands[3][0] == '!';
        i.C = ReadPredicate(code, s, i, s.Operands[3].TrimStart('!'));
        return true;
    }

    private static bool Tests(KernelCode code, PtxStatement s, Instruction i, string[] words)
    {
        if (words.Length != 3 || words[2] is not ("f32" or "f64")) { return false; }
        i.Run = words[1] switch
        {
            "notanumber" => Comparison("nan", words[2]),
            "number" => Comparison("num", words[2]),
            "finite" => Floats<Ops.IsFinite>(words[2]),
            "infinite" => Floats<Ops.IsInfinite>(words[2]),
            "normal" => Floats<Ops.IsNormal>(words[2]),
            "subnormal" => Floats<Ops.IsSubnormal>(words[2]),
            _ => null,
        };
        if (i.Run is null) { return false; }
        i.D = WritePredicate(code, s, i, s.Operands[0]);
        i.A = i.B = Read(code, s, i, s.Operands[1], words[2]);
        return true;
    }

    // lo, ls, hi, hs are the unsigned lt, le, gt, ge
    private static delegate*<Warp, Instruction, void> Comparison(string how, string type)
    {
        bool isFloat = type[0] == 'f';
        return how switch
        {
            "eq" => Numbers<Ops.Equal>(type),
            "ne" => Numbers<Ops.NotEqual>(type),
            "lt" => Numbers<Ops.Less>(type),
            "le" => Numbers<Ops.LessOrEqual>(type),
            "gt" => Numbers<Ops.Greater>(type),
            "ge" => Numbers<Ops.GreaterOrEqual>(type),
            "lo" when type[0] == 'u' => Numbers<Ops.Less>(type),
            "ls" when type[0] == 'u' => Numbers<Ops.LessOrEqual>(type),
            "hi" when type[0] == 'u' => Numbers<Ops.Greater>(type),
            "hs" when type[0] == 'u' => Numbers<Ops.GreaterOrEqual>(type),
            "equ" when isFloat => Floats<Ops.UnorderedEqual>(type),
            "neu" when isFloat => Floats<Ops.UnorderedNotEqual>(type),
            "ltu" when isFloat => Floats<Ops.UnorderedLess>(type),
            "leu" when isFloat => Floats<Ops.UnorderedLessOrEqual>(type),
            "gtu" when isFloat => Floats<Ops.UnorderedGreater>(type),
            "geu" when isFloat => Floats<Ops.UnorderedGreaterOrEqual>(type),
            "num" when isFloat => Floats<Ops.Numbers>(type),
            "nan" when isFloat => Floats<Ops.NotANumber>(type),
            _ => null,
        };
    }

    // cvt[.round][.sat].to.from
    private static bool Converts(KernelCode code, PtxStatement s, Instruction i, string[] words)
    {
        if (words.Length is < 3 or > 4) { return false; }
        return Use(code, s, i, Conversions.Of(words[^2], words[^1], words.Length == 4 ? words[1] : null), words[^2], words[^1]);
    }

    private static bool Whole(string type) => type[0] is 'u' or 's';

    private static string Wider(string type) => type switch { "s16" => "s32", "u16" => "u32", "s32" => "s64", "u32" => "u64", _ => "b0" };

    private static delegate*<Warp, Instruction, void> Vectors<O>(string type) where O : IVectorOp => type switch
    {
        "f32" => &Lanes.Vector<O, float>,
        "f64" => &Lanes.Vector<O, double>,
        "s32" => &Lanes.Vector<O, int>,
        "u32" or "b32" => &Lanes.Vector<O, uint>,
        "s64" => &Lanes.Vector<O, long>,
        "u64" or "b64" => &Lanes.Vector<O, ulong>,
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> Numbers<O>(string type) where O : ICompare => type switch
    {
        "s16" => &Lanes.Compare<O, short>,
        "u16" or "b16" => &Lanes.Compare<O, ushort>,
        "s32" => &Lanes.Compare<O, int>,
        "u32" or "b32" => &Lanes.Compare<O, uint>,
        "s64" => &Lanes.Compare<O, long>,
        "u64" or "b64" => &Lanes.Compare<O, ulong>,
        _ => Floats<O>(type),
    };

    private static delegate*<Warp, Instruction, void> Floats<O>(string type) where O : ICompare => type switch
    {
        "f32" => &Lanes.Compare<O, float>,
        "f64" => &Lanes.Compare<O, double>,
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> Quotients(string type) => type switch
    {
        "s32" => &Lanes.Scalar<Ops.Quotient<int>, int, int, int, int>,
        "u32" => &Lanes.Scalar<Ops.Quotient<uint>, uint, uint, uint, uint>,
        "s64" => &Lanes.Scalar<Ops.Quotient<long>, long, long, long, long>,
        "u64" => &Lanes.Scalar<Ops.Quotient<ulong>, ulong, ulong, ulong, ulong>,
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> Remainders(string type) => type switch
    {
        "s32" => &Lanes.Scalar<Ops.Remainder<int>, int, int, int, int>,
        "u32" => &Lanes.Scalar<Ops.Remainder<uint>, uint, uint, uint, uint>,
        "s64" => &Lanes.Scalar<Ops.Remainder<long>, long, long, long, long>,
        "u64" => &Lanes.Scalar<Ops.Remainder<ulong>, ulong, ulong, ulong, ulong>,
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> HighProducts(string type) => type switch
    {
        "s32" => &Lanes.Scalar<Ops.HighProduct<int>, int, int, int, int>,
        "u32" => &Lanes.Scalar<Ops.HighProduct<uint>, uint, uint, uint, uint>,
        "s64" => &Lanes.Scalar<Ops.HighProduct<long>, long, long, long, long>,
        "u64" => &Lanes.Scalar<Ops.HighProduct<ulong>, ulong, ulong, ulong, ulong>,
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> WideProducts(string type) => type switch
    {
        "s32" => &Lanes.Scalar<Ops.WideProduct<int, long>, int, int, long, long>,
        "u32" => &Lanes.Scalar<Ops.WideProduct<uint, ulong>, uint, uint, ulong, ulong>,
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> WideProductAdds(string type) => type switch
    {
        "s32" => &Lanes.Scalar<Ops.WideProductAdd<int, long>, int, int, long, long>,
        "u32" => &Lanes.Scalar<Ops.WideProductAdd<uint, ulong>, uint, uint, ulong, ulong>,
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> Rights(string type) => type switch
    {
        "s32" => &Lanes.Scalar<Ops.Right<int>, int, uint, int, int>,
        "u32" or "b32" => &Lanes.Scalar<Ops.Right<uint>, uint, uint, uint, uint>,
        "s64" => &Lanes.Scalar<Ops.Right<long>, long, uint, long, long>,
        "u64" or "b64" => &Lanes.Scalar<Ops.Right<ulong>, ulong, uint, ulong, ulong>,
        _ => null,
    };
}
