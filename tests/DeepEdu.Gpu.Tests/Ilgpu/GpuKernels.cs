using DeepEdu.Gpu.Kernels;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Every kernel that a GPU could be given: each body with each formula, cell, window or layout of the two libraries that fits its type parameters.</summary>
internal static class GpuKernels
{
    private static readonly Type[] s_structs = [.. new[] { typeof(Tensor), typeof(GpuDevice) }.SelectMany(t => t.Assembly.GetTypes()).Where(t => t is { IsValueType: true, IsEnum: false, IsPrimitive: false, IsByRefLike: false })];

    private static readonly (Type Loop, Type Formula)[] s_loops =
    [
        (typeof(MapLoop<>), typeof(IMap)), (typeof(Map4Loop<>), typeof(IMap)), (typeof(ZipLoop<>), typeof(IZip)), (typeof(Zip4Loop<>), typeof(IZip)), (typeof(Zip3Loop<>), typeof(IZip3)),
        (typeof(ZipRunLoop<>), typeof(IZip)), (typeof(Zip34Loop<>), typeof(IZip3)), (typeof(Zip3RunLoop<>), typeof(IZip3)), (typeof(ColumnLoop<>), typeof(IFold)), (typeof(RowLoop<>), typeof(IFold)), (typeof(UpdateLoop<>), typeof(IUpdate)),
    ];

    /// <summary>Names and kernels.</summary>
    public static IReadOnlyList<(string Name, Type Kernel)> All { get; } = [.. Find().Select(k => (NameOf(k), k))];

    /// <summary>A kernel's name, such as <c>Map4Loop&lt;ExpFormula&gt;</c>.</summary>
    public static string NameOf(Type kernel) => Short(kernel);

    /// <summary>Threads of a group.</summary>
    public static int Threads(Type kernel) => kernel.GetFields().Any(f => f.FieldType == typeof(Team)) ? Team.MaxThreads
        : kernel.GetFields().Any(f => f.FieldType == typeof(Side)) || kernel == typeof(Diagonalise) || kernel == typeof(FindNonFinite) ? Side.Most
        : NameOf(kernel).StartsWith("StepKernel", StringComparison.Ordinal) ? RecurrentStep.Side * RecurrentStep.Units * RecurrentStep.Halves
        : NameOf(kernel).StartsWith("SequenceKernel", StringComparison.Ordinal) ? kernel.GetGenericArguments()[1] == typeof(Depth4) ? WithLongRows : SequenceLoop.MostThreads
        : NameOf(kernel).StartsWith("ConvTensorTiles", StringComparison.Ordinal) ? Tile128 : 256;

    // four times four terms of each column leave registers for so many; the device asks the driver
    private const int WithLongRows = 384;

    private const int Tile128 = ConvTensorTiles<ConvForwardProduct, TensorCoreProducts<Tf32>>.Threads;

    /// <summary>Threads that a multiprocessor of an H200 should hold at once, of 2048: tiles keep their sums in registers and hide the way to memory behind products; everything else needs its threads to hide it.</summary>
    public static int ThreadsAtOnce(Type kernel)
    {
        string name = NameOf(kernel);
        return name.StartsWith("SequenceKernel", StringComparison.Ordinal) ? Threads(kernel)
            : name.StartsWith("ProductKernel<Small", StringComparison.Ordinal) ? 1024
            : name.StartsWith("ProductKernel", StringComparison.Ordinal) || name.StartsWith("ConvTensorTiles", StringComparison.Ordinal) || name.StartsWith("StepKernel", StringComparison.Ordinal) ? 512
            : name.Contains("TensorAttention", StringComparison.Ordinal) ? 512
            // a gradient by dual numbers of four values, each of which takes whole turns off twice, in double precision; tan's own is from its result
            : name.Contains("PullMap<Angles.TanFormula>", StringComparison.Ordinal) ? 512
            // third derivatives, by dual numbers of dual numbers
            : name.Contains("BendTwice<", StringComparison.Ordinal) ? 512
            // two fours on their way: as many bytes as 1536 threads of other loops have
            : name.StartsWith("Map4Loop", StringComparison.Ordinal) || name.StartsWith("Attention", StringComparison.Ordinal) ? 768 : 1024;
    }

    private static IEnumerable<Type> Find()
    {
        foreach (var word in Fitting(typeof(IWord)))
        {
            foreach (var a in Fitting(typeof(IWordLayout)))
            {
                foreach (var b in Fitting(typeof(IWordLayout)))
                {
                    yield return typeof(ProductKernel<>).MakeGenericType(typeof(TensorTile<,,,>).MakeGenericType(word, typeof(TensorCoreProducts<>).MakeGenericType(word), a, b));
                }
            }
        }
        foreach (var cell in (Type[])[typeof(GpuLstm), typeof(GpuCoupledLstm), typeof(GpuGru)])
        {
            foreach (var way in (Type[])[typeof(ForwardCell<>), typeof(BackwardCell<>)])
            {
                foreach (var depth in Fitting(typeof(IDepth))) { yield return typeof(SequenceKernel<,>).MakeGenericType(way.MakeGenericType(cell), depth); }
            }
        }
        foreach (var product in Fitting(typeof(IConvProduct))) { yield return typeof(ConvTensorTiles<,>).MakeGenericType(product, typeof(TensorCoreProducts<Tf32>)); }
        foreach (var way in (Type[])[typeof(AttentionForwardKernel<>), typeof(AttentionQueryPull<>), typeof(AttentionKeyPull<>)]) { yield return way.MakeGenericType(typeof(TensorAttention<TensorCoreRow>)); }
        foreach (var (loop, formula) in s_loops)
        {
            foreach (var f in Fitting(formula)) { yield return loop.MakeGenericType(f); }
        }
        foreach (var kernel in Fitting(typeof(IGpuKernel)).Where(k => !k.IsGenericType || !s_loops.Any(l => l.Loop == k.GetGenericTypeDefinition()))) { yield return kernel; }
    }

    // structs with an interface; generic ones with every struct that is not generic itself
    private static IEnumerable<Type> Fitting(Type wanted, bool nested = false)
    {
        foreach (var t in s_structs.Where(t => t.GetInterfaces().Any(i => i == wanted) && t.GetGenericArguments().Length < 2))
        {
            if (!t.ContainsGenericParameters) { yield return t; }
            else if (!nested || wanted == typeof(IStepEnd) || wanted == typeof(IConvProduct))
            {
                var constraints = t.GetGenericArguments()[0].GetGenericParameterConstraints().Where(c => c.IsInterface).ToArray();
                Type[] arguments = constraints.Length == 0 ? [typeof(float), typeof(Float4)] : [.. Fitting(constraints[0], nested: true)];
                // bent are ways back alone
                bool bends = t == typeof(Bend<>) || t == typeof(BendTwice<>);
                foreach (var a in arguments.Where(a => !bends || a.Name.Contains("Pull", StringComparison.Ordinal))) { yield return t.MakeGenericType(a); }
            }
        }
    }

    private static string Short(Type t)
    {
        string name = t.Name.Split('`')[0];
        if (t.DeclaringType is { } outer) { name = $"{outer.Name.Split('`')[0]}.{name}"; }
        return t.IsGenericType ? $"{name}<{string.Join(", ", t.GetGenericArguments().Select(Short))}>" : name;
    }
}
