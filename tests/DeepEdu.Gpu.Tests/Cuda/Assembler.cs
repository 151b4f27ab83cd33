using System.Globalization;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>Makes instructions of statements: which function, and which operands. A word that it does not know is an error: nothing is passed over.</summary>
internal static unsafe partial class Assembler
{
    public static Instruction Of(KernelCode code, PtxStatement s)
    {
        Instruction i = new() { Text = s };
        if (s.Guard is { } guard)
        {
            i.IsNegated = guard[0] == '!';
            var p = Predicate(code, s, guard.TrimStart('!'));
            (i.Guard, i.GuardNumber) = (p.At, p.Number);
        }
        string[] words = s.Name.Split('.');
        bool done = Arithmetic(code, s, i, words) || Logic(code, s, i, words) || Memory(code, s, i, words) || Flows(code, s, i, words) || Matrices(code, s, i);
        return done ? i : throw Unknown(s, "is not emulated");
    }

    /// <summary>The bits of a number as an instruction's type has them; false if the text is none.</summary>
    public static bool TryNumber(string text, string type, out ulong bits)
    {
        bits = 0;
        bool isFloat = type[0] == 'f', isWide = type.EndsWith("64", StringComparison.Ordinal);
        bool minus = text[0] == '-';
        string digits = minus ? text[1..] : text;
        if (digits.StartsWith("0f", StringComparison.OrdinalIgnoreCase)) { return !isWide && ulong.TryParse(digits.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out bits) && Sign(minus, 31, ref bits); }
        if (digits.StartsWith("0d", StringComparison.OrdinalIgnoreCase)) { return isWide && ulong.TryParse(digits.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out bits) && Sign(minus, 63, ref bits); }
        if (isFloat)
        {
            if (!digits.Contains('.', StringComparison.Ordinal) || !double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double x)) { return false; }
            bits = isWide ? BitConverter.DoubleToUInt64Bits(x) : BitConverter.SingleToUInt32Bits((float)x);
            return true;
        }
        digits = digits.TrimEnd('U');
        bool isHex = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (!ulong.TryParse(isHex ? digits.AsSpan(2) : digits, isHex ? NumberStyles.HexNumber : NumberStyles.None, CultureInfo.InvariantCulture, out bits)) { return false; }
        if (minus) { bits = 0 - bits; }
        if (!isWide) { bits = (uint)bits; }
        return true;
    }

    private static bool Sign(bool minus, int bit, ref ulong bits)
    {
        if (minus) { bits ^= 1ul << bit; }
        return true;
    }

    /// <summary>Bytes of a type.</summary>
    private static int BytesOf(PtxStatement s, string type) => type.Length > 1 && int.TryParse(type.AsSpan(1), out int bits) && type[0] is 'b' or 'u' or 's' or 'f' ? bits / 8 : throw Unknown(s, $"{type}: no type");

    // an operand that is read
    private static int Read(KernelCode code, PtxStatement s, Instruction i, string operand, string type)
    {
        int bytes = Math.Max(4, BytesOf(s, type));
        if (code.Find(operand) is { } r)
        {
            if (Math.Max(4, r.Bytes) != bytes || r.Bytes == 0) { throw Unknown(s, $"{operand} has {r.Bytes} bytes, {type} wants {bytes}"); }
            if (r.Number >= 0) { i.Reads = [.. i.Reads, r.Number]; }
            return r.At;
        }
        if (code.SharedAddress(operand) is { } address) { return code.Number((ulong)address, bytes).At; }
        return TryNumber(operand, type, out ulong bits) ? code.Number(bits, bytes).At : throw Unknown(s, $"{operand} is neither a register nor a number of type {type}");
    }

    // a register that is written
    private static int Write(KernelCode code, PtxStatement s, Instruction i, string operand, string type)
    {
        int bytes = Math.Max(4, BytesOf(s, type));
        if (code.Find(operand) is not { Number: >= 0 } r || r.Bytes == 0 || Math.Max(4, r.Bytes) != bytes) { throw Unknown(s, $"{operand} is no register of {bytes} bytes"); }
        i.Writes = [.. i.Writes, r.Number];
        return r.At;
    }

    private static Register Predicate(KernelCode code, PtxStatement s, string operand) =>
        code.Find(operand) is { Bytes: 0 } r ? r : throw Unknown(s, $"{operand} is no predicate");

    private static int ReadPredicate(KernelCode code, PtxStatement s, Instruction i, string operand)
    {
        var r = Predicate(code, s, operand);
        i.Reads = [.. i.Reads, r.Number];
        return r.At;
    }

    private static int WritePredicate(KernelCode code, PtxStatement s, Instruction i, string operand)
    {
        var r = Predicate(code, s, operand);
        i.Writes = [.. i.Writes, r.Number];
        return r.At;
    }

    // the operands of an instruction with one result: d, a, b, c
    private static bool Use(KernelCode code, PtxStatement s, Instruction i, delegate*<Warp, Instruction, void> run, string d, params ReadOnlySpan<string> types)
    {
        if (run is null) { return false; }
        if (s.Operands.Length != types.Length + 1) { throw Unknown(s, $"{types.Length + 1} operands are expected"); }
        i.Run = run;
        i.D = Write(code, s, i, s.Operands[0], d);
        for (int k = 0; k < types.Length; k++)
        {
            int at = Read(code, s, i, s.Operands[k + 1], types[k]);
            if (k == 0) { i.A = at; } else if (k == 1) { i.B = at; } else { i.C = at; }
        }
        // a formula of fewer values looks at the first again
        if (types.Length < 2) { i.B = i.A; }
        if (types.Length < 3) { i.C = i.A; }
        return true;
    }

    private static FormatException Unknown(PtxStatement s, string why) => new($"line {s.Line}: {s}: {why}");
}
