using System.Reflection;
using System.Text.RegularExpressions;
using ILGPU;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;

namespace DeepEdu.Gpu;

/// <summary>Compiles kernels for an accelerator. Optimised PTX marks branches on which threads part as uniform, which leaves their effect undefined; the mark is taken off before the driver sees the text.
/// The words are those of ILGPU's accelerator.</summary>
internal sealed partial class GpuCode(Accelerator accelerator)
{
    private static readonly FieldInfo s_text = typeof(PTXCompiledKernel).GetField("<PTXAssembly>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new MissingFieldException(nameof(PTXCompiledKernel), nameof(PTXCompiledKernel.PTXAssembly));

    public Action<KernelConfig, T1> LoadStreamKernel<T1>(Action<T1> body) where T1 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1>>(body.Method);
        return (how, a) => run(accelerator.DefaultStream, how, a);
    }

    public Action<KernelConfig, T1, T2> LoadStreamKernel<T1, T2>(Action<T1, T2> body) where T1 : struct where T2 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2>>(body.Method);
        return (how, a, b) => run(accelerator.DefaultStream, how, a, b);
    }

    public Action<KernelConfig, T1, T2, T3> LoadStreamKernel<T1, T2, T3>(Action<T1, T2, T3> body) where T1 : struct where T2 : struct where T3 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3>>(body.Method);
        return (how, a, b, c) => run(accelerator.DefaultStream, how, a, b, c);
    }

    public Action<KernelConfig, T1, T2, T3, T4> LoadStreamKernel<T1, T2, T3, T4>(Action<T1, T2, T3, T4> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4>>(body.Method);
        return (how, a, b, c, d) => run(accelerator.DefaultStream, how, a, b, c, d);
    }

    public Action<KernelConfig, T1, T2, T3, T4, T5> LoadStreamKernel<T1, T2, T3, T4, T5>(Action<T1, T2, T3, T4, T5> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5>>(body.Method);
        return (how, a, b, c, d, e) => run(accelerator.DefaultStream, how, a, b, c, d, e);
    }

    public Action<KernelConfig, T1, T2, T3, T4, T5, T6> LoadStreamKernel<T1, T2, T3, T4, T5, T6>(Action<T1, T2, T3, T4, T5, T6> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6>>(body.Method);
        return (how, a, b, c, d, e, f) => run(accelerator.DefaultStream, how, a, b, c, d, e, f);
    }

    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7>(Action<T1, T2, T3, T4, T5, T6, T7> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7>>(body.Method);
        return (how, a, b, c, d, e, f, g) => run(accelerator.DefaultStream, how, a, b, c, d, e, f, g);
    }

    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8>(Action<T1, T2, T3, T4, T5, T6, T7, T8> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8>>(body.Method);
        return (how, a, b, c, d, e, f, g, h) => run(accelerator.DefaultStream, how, a, b, c, d, e, f, g, h);
    }

    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9>>(body.Method);
        return (how, a, b, c, d, e, f, g, h, i) => run(accelerator.DefaultStream, how, a, b, c, d, e, f, g, h, i);
    }

    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10>>(body.Method);
        return (how, a, b, c, d, e, f, g, h, i, j) => run(accelerator.DefaultStream, how, a, b, c, d, e, f, g, h, i, j);
    }

    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct where T11 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11>>(body.Method);
        return (how, a, b, c, d, e, f, g, h, i, j, k) => run(accelerator.DefaultStream, how, a, b, c, d, e, f, g, h, i, j, k);
    }

    public Action<KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> LoadStreamKernel<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>(Action<T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12> body) where T1 : struct where T2 : struct where T3 : struct where T4 : struct where T5 : struct where T6 : struct where T7 : struct where T8 : struct where T9 : struct where T10 : struct where T11 : struct where T12 : struct
    {
        var run = Load<Action<AcceleratorStream, KernelConfig, T1, T2, T3, T4, T5, T6, T7, T8, T9, T10, T11, T12>>(body.Method);
        return (how, a, b, c, d, e, f, g, h, i, j, k, l) => run(accelerator.DefaultStream, how, a, b, c, d, e, f, g, h, i, j, k, l);
    }

    /// <summary>The text of a kernel without marks of uniform branches.</summary>
    internal static string WithoutUniformBranches(string ptx) => Marked().Replace(ptx, "$1");

    private D Load<D>(MethodInfo body) where D : Delegate
    {
        var compiled = accelerator.CompileKernel(EntryPointDescription.FromExplicitlyGroupedKernel(body));
        if (compiled is PTXCompiledKernel ptx) { s_text.SetValue(ptx, WithoutUniformBranches(ptx.PTXAssembly)); }
        return accelerator.LoadKernel(compiled).CreateLauncherDelegate<D>();
    }

    [GeneratedRegex(@"\b(bra|brx\.idx|ret)\.uni\b")]
    private static partial Regex Marked();
}
