using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>The memory of DKVMN over all answers (Zhang et al. 2017, arXiv:1611.08108, equations 2 to 5): after each, the value at concept i becomes Mᵢ + wᵢ·(a − Mᵢ∘e), and Σ uᵢ·Mᵢ is read. Composed of operations each step reads and
/// writes all learners' memories a dozen times; here a learner's stays in the cache for all steps, and on the way back its states are computed again instead of kept. An operation as a program may add its own: two kernels and a step of the tape.</summary>
internal static class ConceptMemory
{
    /// <summary>What is read after each answer, [learners, steps, width]; and the memory after the last, which gives no gradient.</summary>
    /// <param name="memory">M before the first, [learners, concepts, width].</param>
    /// <param name="write">w, how much of each concept an answer is about: [learners, steps, concepts].</param>
    /// <param name="erase">e, [learners, steps, width].</param>
    /// <param name="add">a, [learners, steps, width].</param>
    /// <param name="read">u, how much of each concept is asked for next: [learners, steps, concepts].</param>
    public static (Tensor Reads, Tensor Memory) Run(Tensor memory, Tensor write, Tensor erase, Tensor add, Tensor read)
        => memory.Device is CpuDevice ? InOnePass(memory, write, erase, add, read) : Composed(memory, write, erase, add, read);

    /// <summary>The same of other operations, for devices without the kernels.</summary>
    public static (Tensor Reads, Tensor Memory) Composed(Tensor memory, Tensor write, Tensor erase, Tensor add, Tensor read)
    {
        int learners = memory.Shape[0], concepts = memory.Shape[1];
        Tensor[] reads = new Tensor[write.Shape[1]];
        for (int t = 0; t < reads.Length; t++)
        {
            memory += write.Narrow(1, t, 1).Reshape(learners, concepts, 1) * (add.Narrow(1, t, 1) - (memory * erase.Narrow(1, t, 1)));
            reads[t] = read.Narrow(1, t, 1).MatMul(memory);
        }
        return (Tensor.Concat(reads, 1), memory.Detach());
    }

    private static (Tensor Reads, Tensor Memory) InOnePass(Tensor memory, Tensor write, Tensor erase, Tensor add, Tensor read)
    {
        Sizes sizes = new(memory.Shape[0], write.Shape[1], memory.Shape[1], memory.Shape[2]);
        Tensor reads = Tensor.Empty([sizes.Learners, sizes.Steps, sizes.Width], memory.Device), last = Tensor.Empty(memory.Shape, memory.Device);
        memory.Device.Launch(new Forward(memory.View, write.View, erase.View, add.View, read.View, reads.View, last.View, sizes));
        Tensor[] inputs = [memory, write, erase, add, read];
        if (Tape.For(inputs) is { } tape)
        {
            tape.Add([reads], inputs, (dOutputs, dInputs) =>
            {
                Tensor[] d = Array.ConvertAll(inputs, x => Tensor.Empty(x.Shape, x.Device));
                memory.Device.Launch(new Backward(memory.View, write.View, erase.View, add.View, read.View, dOutputs[0]!.View, d[0].View, d[1].View, d[2].View, d[3].View, d[4].View, sizes));
                for (int i = 0; i < d.Length; i++) { dInputs[i] = tape.Wants(inputs[i]) ? d[i] : null; }
            });
        }
        return (reads, last);
    }

    internal readonly record struct Sizes(int Learners, int Steps, int Concepts, int Width)
    {
        public int Memory => Concepts * Width;
    }

    internal readonly record struct Forward(View Memory, View Write, View Erase, View Add, View Read, View Reads, View Last, Sizes Sizes) : IKernel, IRange
    {
        public static string Name => "concept memory";

        public void Run() => Work.For(Sizes.Learners, 1, this);

        public void Run(int from, int to)
        {
            var (_, steps, concepts, width) = Sizes;
            for (int l = from; l < to; l++)
            {
                ref float m = ref At(Last, l * Sizes.Memory);
                CpuDevice.Of(Memory).Slice(l * Sizes.Memory, Sizes.Memory).CopyTo(CpuDevice.Of(Last)[(l * Sizes.Memory)..]);
                for (int row = l * steps; row < (l + 1) * steps; row++)
                {
                    Next(ref m, ref m, ref At(Write, row * concepts), ref At(Erase, row * width), ref At(Add, row * width), concepts, width);
                    Sum(ref m, ref At(Read, row * concepts), ref At(Reads, row * width), concepts, width);
                }
            }
        }
    }

    internal readonly record struct Backward(View Memory, View Write, View Erase, View Add, View Read, View DReads, View DMemory, View DWrite, View DErase, View DAdd, View DRead, Sizes Sizes) : IKernel, IRange
    {
        [ThreadStatic] private static float[]? t_states;

        public static string Name => "concept memory gradient";

        public void Run() => Work.For(Sizes.Learners, 1, this);

        public void Run(int from, int to)
        {
            var (_, steps, concepts, width) = Sizes;
            int size = Sizes.Memory, sums = 2 * concepts * F16.Width, needed = checked(((steps + 1) * size) + sums);
            if (t_states is null || t_states.Length < needed) { t_states = GC.AllocateUninitializedArray<float>(needed); }
            for (int l = from; l < to; l++)
            {
                CpuDevice.Of(Memory).Slice(l * size, size).CopyTo(t_states);
                for (int t = 0, row = l * steps; t < steps; t++, row++)
                {
                    Next(ref t_states[t * size], ref t_states[(t + 1) * size], ref At(Write, row * concepts), ref At(Erase, row * width), ref At(Add, row * width), concepts, width);
                }
                CpuDevice.Of(DMemory).Slice(l * size, size).Clear();
                ref float d = ref At(DMemory, l * size);
                for (int t = steps - 1, row = ((l + 1) * steps) - 1; t >= 0; t--, row--)
                {
                    int own = row * concepts, wide = row * width;
                    Pull(ref t_states[t * size], ref t_states[(t + 1) * size], ref d, ref t_states[needed - sums], ref At(Write, own), ref At(Erase, wide), ref At(Add, wide), ref At(Read, own),
                        ref At(DReads, wide), ref At(DWrite, own), ref At(DErase, wide), ref At(DAdd, wide), ref At(DRead, own), concepts, width);
                }
            }
        }
    }

    private static ref float At(View view, int place) => ref Unsafe.Add(ref MemoryMarshal.GetReference(CpuDevice.Of(view)), place);

    // an answer is taken in; m and to may be the same
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Next(ref float m, ref float to, ref float w, ref float e, ref float a, int concepts, int width)
    {
        int v = 0;
        if (F16.IsSupported) { v = Next<F16>(ref m, ref to, ref w, ref e, ref a, concepts, width, v); }
        if (F8.IsSupported) { v = Next<F8>(ref m, ref to, ref w, ref e, ref a, concepts, width, v); }
        if (F4.IsSupported) { v = Next<F4>(ref m, ref to, ref w, ref e, ref a, concepts, width, v); }
        Next<F1>(ref m, ref to, ref w, ref e, ref a, concepts, width, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Next<L>(ref float m, ref float to, ref float w, ref float e, ref float a, int concepts, int width, int v) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (; v <= width - L.Width; v += L.Width)
        {
            L erase = L.Load(in e, v), add = L.Load(in a, v);
            nint at = v;
            for (int i = 0; i < concepts; i++, at += width)
            {
                L before = L.Load(in m, at);
                L.Store(L.MultiplyAdd(L.Of(Unsafe.Add(ref w, i)), L.MultiplyAdd(-before, erase, add), before), ref to, at);
            }
        }
        return v;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Sum(ref float m, ref float u, ref float r, int concepts, int width)
    {
        int v = 0;
        if (F16.IsSupported) { v = Sum<F16>(ref m, ref u, ref r, concepts, width, v); }
        if (F8.IsSupported) { v = Sum<F8>(ref m, ref u, ref r, concepts, width, v); }
        if (F4.IsSupported) { v = Sum<F4>(ref m, ref u, ref r, concepts, width, v); }
        Sum<F1>(ref m, ref u, ref r, concepts, width, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Sum<L>(ref float m, ref float u, ref float r, int concepts, int width, int v) where L : struct, IVectorLane<L>, ILane<L>
    {
        for (; v <= width - L.Width; v += L.Width)
        {
            L sum = 0f;
            nint at = v;
            for (int i = 0; i < concepts; i++, at += width) { sum = L.MultiplyAdd(L.Of(Unsafe.Add(ref u, i)), L.Load(in m, at), sum); }
            L.Store(sum, ref r, v);
        }
        return v;
    }

    // one step back: d is the gradient of the memory after it and becomes that of the memory before it
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void Pull(ref float before, ref float after, ref float d, ref float sums, ref float w, ref float e, ref float a, ref float u, ref float dr, ref float dw, ref float de, ref float da, ref float du, int concepts, int width)
    {
        for (int i = 0; i < concepts; i++) { Unsafe.Add(ref dw, i) = Unsafe.Add(ref du, i) = 0; }
        int v = 0;
        if (F16.IsSupported) { v = Pull<F16>(ref before, ref after, ref d, ref sums, ref w, ref e, ref a, ref u, ref dr, ref dw, ref de, ref da, ref du, concepts, width, v); }
        if (F8.IsSupported) { v = Pull<F8>(ref before, ref after, ref d, ref sums, ref w, ref e, ref a, ref u, ref dr, ref dw, ref de, ref da, ref du, concepts, width, v); }
        if (F4.IsSupported) { v = Pull<F4>(ref before, ref after, ref d, ref sums, ref w, ref e, ref a, ref u, ref dr, ref dw, ref de, ref da, ref du, concepts, width, v); }
        Pull<F1>(ref before, ref after, ref d, ref sums, ref w, ref e, ref a, ref u, ref dr, ref dw, ref de, ref da, ref du, concepts, width, v);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Pull<L>(ref float before, ref float after, ref float d, ref float sums, ref float w, ref float e, ref float a, ref float u, ref float dr, ref float dw, ref float de, ref float da, ref float du, int concepts, int width, int v)
        where L : struct, IVectorLane<L>, ILane<L>
    {
        if (v > width - L.Width) { return v; }
        for (int i = 0; i < 2 * concepts; i++) { L.Store(0f, ref sums, i * L.Width); }
        for (; v <= width - L.Width; v += L.Width)
        {
            L erase = L.Load(in e, v), add = L.Load(in a, v), read = L.Load(in dr, v), dErase = 0f, dAdd = 0f;
            nint at = v, sum = 0;
            for (int i = 0; i < concepts; i++, at += width, sum += 2 * L.Width)
            {
                L m = L.Load(in before, at), g = L.MultiplyAdd(L.Of(Unsafe.Add(ref u, i)), read, L.Load(in d, at)), own = L.Of(Unsafe.Add(ref w, i)) * g;
                L.Store(L.MultiplyAdd(g, L.MultiplyAdd(-m, erase, add), L.Load(in sums, sum)), ref sums, sum);
                L.Store(L.MultiplyAdd(read, L.Load(in after, at), L.Load(in sums, sum + L.Width)), ref sums, sum + L.Width);
                dAdd += own;
                dErase = L.MultiplyAdd(-own, m, dErase);
                L.Store(L.MultiplyAdd(-own, erase, g), ref d, at);
            }
            L.Store(dErase, ref de, v);
            L.Store(dAdd, ref da, v);
        }
        for (int i = 0; i < concepts; i++)
        {
            Unsafe.Add(ref dw, i) += L.Sum(L.Load(in sums, 2 * i * L.Width));
            Unsafe.Add(ref du, i) += L.Sum(L.Load(in sums, ((2 * i) + 1) * L.Width));
        }
        return v;
    }
}
