using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;

namespace DeepEdu.Kernels;

/// <summary>Y = X·Wᵀ + b of few rows with weights of eight bits.</summary>
internal static unsafe class Int8Linear
{
    private const int MostRows = 15; // of more, arithmetic sets the pace, and that of floats is as fast
    private const long ChunkWork = 1 << 16; // weights of a row: some 1 µs

    /// <summary>Whether it takes such a product.</summary>
    public static bool Takes(int rows, int inputs) => rows <= MostRows && inputs is > 0 and <= Int8Tile.MostInputs;

    /// <summary>Y [rows, outputs] ← act(X [rows, inputs]·Wᵀ + bias), W as <see cref="Int8Panels"/>.</summary>
    public static void Run(int rows, int outputs, int inputs, float* x, float* panels, float* y, Epilogue end)
    {
        int codes = 2 * Int8Panels.Pairs(inputs), blocks = RecurrentWeights.Padded(outputs) / RecurrentWeights.Width;
        short* whole = (short*)Scratch.Factor.Take(rows * codes / 2);
        float* steps = stackalloc float[MostRows];
        for (int r = 0; r < rows; r++) { steps[r] = Int8Tile.Codes(x + ((nint)r * inputs), inputs, whole + ((nint)r * codes)); }
        int count = (int)Math.Clamp((long)rows * outputs * inputs / ChunkWork, 1, Math.Min(blocks, DeepEduOptions.MaxThreads));
        var all = new Chunks { Rows = rows, Outputs = outputs, Inputs = inputs, X = whole, Steps = steps, Panels = panels, Y = y, End = end, Each = (blocks + count - 1) / count };
        if (count == 1) { all.Run(0); }
        else { Work.Run(count, all); }
    }

    private struct Chunks : IChunks
    {
        public int Rows, Outputs, Inputs, Each;
        public short* X;
        public float* Steps, Panels, Y;
        public Epilogue End;

        public readonly void Run(int chunk)
        {
            if (F16.IsSupported) { Run<F16>(chunk); }
            else if (F8.IsSupported) { Run<F8>(chunk); }
            else if (F4.IsSupported) { Run<F4>(chunk); }
            else { Run<F1>(chunk); }
        }

        private readonly void Run<L>(int chunk) where L : struct, IVectorLane<L>, ILane<L>
        {
            int pairs = Int8Panels.Pairs(Inputs), block = Int8Panels.Block(Inputs);
            int end = Math.Min((Outputs + L.Width - 1) / L.Width, (chunk + 1) * Each);
            for (int b = chunk * Each; b < end; b += 2)
            {
                float* panel = Panels + ((nint)b * block);
                for (int r = 0; r < Rows; r++)
                {
                    Int8Tile.Sum(pairs, X + ((nint)r * 2 * pairs), Steps[r], panel, b + 1 < end ? block : 0, out L sum, out L next);
                    Put(sum, Y + ((nint)r * Outputs), b * L.Width);
                    if (b + 1 < end) { Put(next, Y + ((nint)r * Outputs), (b + 1) * L.Width); }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Put<L>(L sum, float* y, int output) where L : struct, IVectorLane<L>, ILane<L>
        {
            int some = Math.Min(L.Width, Outputs - output);
            if (End.Bias is not null) { sum += some == L.Width ? L.Load(in *End.Bias, output) : Partial.Load<L>(End.Bias + output, some); }
            if (End.Relu) { sum = L.Max(sum, 0); }
            if (some == L.Width) { L.Store(sum, ref *y, output); } else { Partial.Store(sum, y + output, some); }
        }
    }
}
