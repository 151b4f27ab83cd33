using System.Numerics;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>cvt: from one type to another. Whole numbers are cut; floating point is rounded as the instruction says, and what does not fit a whole number becomes its nearest, NaN 0.</summary>
internal static unsafe class Conversions
{
    public static delegate*<Warp, Instruction, void> Of(string to, string from, string? round) => from switch
    {
        "s8" => From<sbyte>(to, round),
        "u8" or "b8" => From<byte>(to, round),
        "s16" => From<short>(to, round),
        "u16" or "b16" => From<ushort>(to, round),
        "s32" => From<int>(to, round),
        "u32" or "b32" => From<uint>(to, round),
        "s64" => From<long>(to, round),
        "u64" or "b64" => From<ulong>(to, round),
        "f32" => From<float>(to, round),
        "f64" => From<double>(to, round),
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> From<TS>(string to, string? round) where TS : unmanaged, INumber<TS> => to switch
    {
        "s8" => Rounded<TS, sbyte>(round),
        "u8" or "b8" => Rounded<TS, byte>(round),
        "s16" => Rounded<TS, short>(round),
        "u16" or "b16" => Rounded<TS, ushort>(round),
        "s32" => Rounded<TS, int>(round),
        "u32" or "b32" => Rounded<TS, uint>(round),
        "s64" => Rounded<TS, long>(round),
        "u64" or "b64" => Rounded<TS, ulong>(round),
        "f32" => Rounded<TS, float>(round),
        "f64" => Rounded<TS, double>(round),
        _ => null,
    };

    private static delegate*<Warp, Instruction, void> Rounded<TS, TD>(string? round) where TS : unmanaged, INumber<TS> where TD : unmanaged, INumber<TD>
    {
        bool fromFloat = typeof(TS) == typeof(float) || typeof(TS) == typeof(double), toFloat = typeof(TD) == typeof(float) || typeof(TD) == typeof(double);
        bool isWhole = round is "rni" or "rzi" or "rmi" or "rpi";
        // which roundings an instruction takes
        bool fits = (fromFloat, toFloat) switch
        {
            (false, false) => round is null,
            (false, true) => round == "rn",
            (true, false) => isWhole,
            _ => typeof(TS) == typeof(TD) ? isWhole : typeof(TD) == typeof(double) ? round is null : round == "rn",
        };
        if (!fits) { return null; }
        return round switch
        {
            "rni" => &Lanes.Scalar<Convert<TS, TD, Even>, TS, TS, TS, TD>,
            "rzi" => &Lanes.Scalar<Convert<TS, TD, Zero>, TS, TS, TS, TD>,
            "rmi" => &Lanes.Scalar<Convert<TS, TD, Down>, TS, TS, TS, TD>,
            "rpi" => &Lanes.Scalar<Convert<TS, TD, Up>, TS, TS, TS, TD>,
            _ => &Lanes.Scalar<Convert<TS, TD, Same>, TS, TS, TS, TD>,
        };
    }

    private interface IRound
    {
        static abstract double Of(double x);
    }

    private struct Same : IRound { public static double Of(double x) => x; }

    private struct Even : IRound { public static double Of(double x) => Math.Round(x, MidpointRounding.ToEven); }

    private struct Zero : IRound { public static double Of(double x) => Math.Truncate(x); }

    private struct Down : IRound { public static double Of(double x) => Math.Floor(x); }

    private struct Up : IRound { public static double Of(double x) => Math.Ceiling(x); }

    private struct Convert<TS, TD, R> : IScalarOp<TS, TS, TS, TD> where TS : unmanaged, INumber<TS> where TD : unmanaged, INumber<TD> where R : struct, IRound
    {
        public static TD Of(TS a, TS b, TS c)
        {
            if (typeof(TS) != typeof(float) && typeof(TS) != typeof(double)) { return TD.CreateTruncating(a); }
            double x = R.Of(double.CreateTruncating(a));
            return typeof(TD) == typeof(float) || typeof(TD) == typeof(double) ? TD.CreateTruncating(x) : double.IsNaN(x) ? TD.Zero : TD.CreateSaturating(x);
        }
    }
}
