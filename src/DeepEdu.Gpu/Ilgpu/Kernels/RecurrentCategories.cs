using DeepEdu.Devices;
using DeepEdu.Kernels;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu.Kernels;

/// <summary>A recurrent layer's inputs that are categories: the columns of Wᵢ take the place of the products with one-hot vectors, and the gradient of a column is the sum over its rows, in
/// their order.</summary>
internal static class RecurrentCategories
{
    /// <summary>gates [rows, width] ← bᵢ + the column of Wᵢ [width, E] for each row's category.</summary>
    public static void Take(GpuDevice d, in RecurrentData p, Floats gates, int width)
    {
        int rows = p.Rows.Count;
        var w = GpuDevice.Of(p.WeightIh);
        // columns are read straight once they lie as rows, which is worth it unless most are not read
        bool turned = p.Turned || rows >= p.Inputs / 4;
        if (turned && !p.Turned)
        {
            var table = GpuDevice.Of(new View(d.Allocate(p.Inputs * width), 0, p.Inputs * width));
            StridedCopyKernel.Transpose(d, w, table, width, p.Inputs);
            w = table;
        }
        d.Start((long)rows * width, new Look
        {
            W = w, Bias = GpuDevice.Of(p.BiasIh, gates), Gates = gates, Categories = d.Upload<int>(p.Categories), Rows = rows, Width = width, HasBias = p.BiasIh.IsNone ? 0 : 1,
            StepCategory = turned ? width : 1, StepGate = turned ? 1 : p.Inputs,
        });
    }

    /// <summary>dWᵢ [width, E] ← for each category the sum of its rows of dL/d(gate sums) [rows, width].</summary>
    public static void Pull(GpuDevice d, in RecurrentData p, Floats gates, int width, View to)
    {
        if (to.Length == 0) { return; }
        View sums = p.Turned ? to : new(d.Allocate(to.Length), 0, to.Length);
        d.Fill(sums, 0);
        GatheringKernel.AddListed(d, gates, GpuDevice.Of(sums), p.Categories, -1, 1, 0, width);
        if (p.Turned) { return; }
        StridedCopyKernel.Transpose(d, GpuDevice.Of(sums), GpuDevice.Of(to), p.Inputs, width);
    }

    /// <summary>A thread a gate of a row.</summary>
    internal struct Look : IGpuKernel
    {
        public Floats W, Bias, Gates;
        public ArrayView<int> Categories;
        public int Rows, Width, HasBias, StepCategory, StepGate;

        public readonly void Run()
        {
            for (long at = Grid.GlobalLinearIndex; at < (long)Rows * Width; at += (long)Grid.DimX * Group.DimX)
            {
                uint row = (uint)at / (uint)Width, gate = (uint)at - (row * (uint)Width);
                float v = W[((long)Categories[(int)row] * StepCategory) + ((long)gate * StepGate)];
                Gates[at] = HasBias != 0 ? v + Bias[(int)gate] : v;
            }
        }
    }
}
