using System.Reflection;
using DeepEdu.Gpu.Kernels;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Gpu.Tests;

/// <summary>Every kernel that a GPU could be given: each body with each formula, cell, window or layout of the two libraries that fits its type parameters.</summary>
internal static class GpuKernels
{
    private static readonly Type[] s_structs = [.. new[] { typeof(Tensor), typeof(GpuDevice) }.SelectMany(t => t.Assembly.GetTypes()).Where(t => t is { IsValueType: true, IsEnum: false, IsPrimitive: false, IsByRefLike: false })];

    private static readonly (string Loop, Type Formula)[] s_loops =
    [
        (nameof(Loops.Map), typeof(IMap)), (nameof(Loops.Map4), typeof(IMap)), (nameof(Loops.Zip), typeof(IZip)), (nameof(Loops.Zip4), typeof(IZip)), (nameof(Loops.Zip3), typeof(IZip3)),
        (nameof(Loops.FoldColumns), typeof(IFold)), (nameof(Loops.FoldRows), typeof(IFold)), (nameof(Loops.Update), typeof(IUpdate)),
    ];

    /// <summary>Names and bodies.</summary>
    public static IReadOnlyList<(string Name, MethodInfo Body)> All { get; } = [.. Find().Select(b => (NameOf(b), b))];

    /// <summary>A body's name, such as <c>Map4 ExpFormula</c>.</summary>
    public static string NameOf(MethodInfo body) => body.Name == nameof(GpuDevice.Enter) ? Short(body.GetGenericArguments()[0]) : string.Join(' ', [body.Name, .. body.GetGenericArguments().Select(Short)]);

    /// <summary>Threads of a group.</summary>
    public static int Threads(MethodInfo body) => HasTeams(body) ? Team.MaxThreads : 256;

    /// <summary>Threads that a multiprocessor of an H200 should hold at once, of 2048: tiles keep their sums in registers and hide the way to memory behind products; everything else needs its threads to hide it.</summary>
    public static int ThreadsAtOnce(MethodInfo body)
    {
        string name = NameOf(body);
        return name.Contains("Body", StringComparison.Ordinal) && body.Name != nameof(GpuDevice.Enter) ? 256
            : name.StartsWith("ConvTiles", StringComparison.Ordinal) || name.StartsWith("Attention", StringComparison.Ordinal) ? 512
            : name.StartsWith("StepKernel", StringComparison.Ordinal) ? 768 : 1024;
    }

    private static bool HasTeams(MethodInfo body) => body.Name == nameof(GpuDevice.Enter) && body.GetGenericArguments()[0].GetFields().Any(f => f.FieldType == typeof(Team));

    private static IEnumerable<MethodInfo> Find()
    {
        foreach (string body in (string[])[nameof(MatMulKernel.WideBody), nameof(MatMulKernel.SmallBody)]) { yield return typeof(MatMulKernel).GetMethod(body, BindingFlags.Static | BindingFlags.NonPublic)!; }
        var tensor = typeof(TensorProduct).GetMethod(nameof(TensorProduct.Body), BindingFlags.Static | BindingFlags.NonPublic)!;
        foreach (var word in Fitting(typeof(IWord)))
        {
            foreach (var a in Fitting(typeof(IWordLayout)))
            {
                foreach (var b in Fitting(typeof(IWordLayout))) { yield return tensor.MakeGenericMethod(word, typeof(TensorCoreProducts<>).MakeGenericType(word), a, b); }
            }
        }
        yield return typeof(Loops).GetMethod(nameof(Loops.Fill))!;
        foreach (var (loop, formula) in s_loops)
        {
            foreach (var f in Fitting(formula)) { yield return typeof(Loops).GetMethod(loop)!.MakeGenericMethod(f); }
        }
        var enter = typeof(GpuDevice).GetMethod(nameof(GpuDevice.Enter), BindingFlags.Static | BindingFlags.NonPublic)!;
        foreach (var kernel in Fitting(typeof(IGpuKernel))) { yield return enter.MakeGenericMethod(kernel); }
    }

    // structs with an interface; generic ones with every struct that is not generic itself
    private static IEnumerable<Type> Fitting(Type wanted, bool nested = false)
    {
        foreach (var t in s_structs.Where(t => t.GetInterfaces().Any(i => i == wanted)))
        {
            if (!t.ContainsGenericParameters) { yield return t; }
            else if (!nested || wanted == typeof(IStepEnd))
            {
                var constraints = t.GetGenericArguments()[0].GetGenericParameterConstraints().Where(c => c.IsInterface).ToArray();
                Type[] arguments = constraints.Length == 0 ? [typeof(float), typeof(Float4)] : [.. Fitting(constraints[0], nested: true)];
                foreach (var a in arguments) { yield return t.MakeGenericType(a); }
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
