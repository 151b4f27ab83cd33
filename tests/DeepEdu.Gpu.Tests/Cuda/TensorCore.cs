namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>mma.sync: D [16 × 8] = A [16 × k] · B [k × 8] + C by a warp. Lane l holds of A and C rows l / 4 and l / 4 + 8, of B column l / 4; products are exact, the sum is rounded once.</summary>
internal static unsafe class TensorCore
{
    // V: 4 registers of D, 4 of A, 2 of B, 4 of C
    private const int A = 4, B = 8, C = 10;

    public static void Tf32(Warp w, Instruction i)
    {
        const int K = 8;
        float* a = stackalloc float[16 * K], b = stackalloc float[K * 8];
        for (int lane = 0; lane < 32; lane++)
        {
            int g = lane >> 2, t = lane & 3;
            // registers go down the rows first, then along k
            for (int r = 0; r < 4; r++) { a[((g + (r % 2 * 8)) * K) + t + (r / 2 * 4)] = Factor(w, i, lane, A + r); }
            for (int r = 0; r < 2; r++) { b[((t + (r * 4)) * 8) + g] = Factor(w, i, lane, B + r); }
        }
        Multiply(w, i, a, b, K);
    }

    public static void BFloat16(Warp w, Instruction i)
    {
        const int K = 16;
        float* a = stackalloc float[16 * K], b = stackalloc float[K * 8];
        for (int lane = 0; lane < 32; lane++)
        {
            int g = lane >> 2, t = lane & 3;
            // two values a register, side by side along k, the first in the low half
            for (int r = 0; r < 4; r++)
            {
                uint pair = Lanes.Get<uint>(w.R + i.V[A + r], lane);
                int at = ((g + (r % 2 * 8)) * K) + (2 * t) + (r / 2 * 8);
                (a[at], a[at + 1]) = (BitConverter.UInt32BitsToSingle(pair << 16), BitConverter.UInt32BitsToSingle(pair & 0xFFFF0000));
            }
            for (int r = 0; r < 2; r++)
            {
                uint pair = Lanes.Get<uint>(w.R + i.V[B + r], lane);
                int k = (2 * t) + (r * 8);
                (b[(k * 8) + g], b[((k + 1) * 8) + g]) = (BitConverter.UInt32BitsToSingle(pair << 16), BitConverter.UInt32BitsToSingle(pair & 0xFFFF0000));
            }
        }
        Multiply(w, i, a, b, K);
    }

    // TF32 is a float whose last 13 bits are 0; what hardware does with others is not said
    private static float Factor(Warp w, Instruction i, int lane, int register)
    {
        uint bits = Lanes.Get<uint>(w.R + i.V[register], lane);
        if ((bits & 0x1FFF) != 0) { throw w.Block.Fault(w, i, lane, $"0x{bits:x8} is no TF32 number"); }
        return BitConverter.UInt32BitsToSingle(bits);
    }

    private static void Multiply(Warp w, Instruction i, float* a, float* b, int k)
    {
        float* d = stackalloc float[4 * 32];
        for (int lane = 0; lane < 32; lane++)
        {
            int g = lane >> 2, t = lane & 3;
            for (int r = 0; r < 4; r++)
            {
                int row = g + (r / 2 * 8), column = (2 * t) + (r % 2);
                double sum = Lanes.Get<float>(w.R + i.V[C + r], lane);
                for (int q = 0; q < k; q++) { sum += (double)a[(row * k) + q] * b[(q * 8) + column]; }
                d[(r * 32) + lane] = (float)sum;
            }
        }
        for (int r = 0; r < 4; r++)
        {
            for (int lane = 0; lane < 32; lane++) { Lanes.Put(w.R + i.V[r], lane, d[(r * 32) + lane]); }
        }
    }
}
