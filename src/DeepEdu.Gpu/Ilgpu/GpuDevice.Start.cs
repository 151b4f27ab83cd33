using System.Runtime.InteropServices;
using DeepEdu.Devices;
using ILGPU;
using ILGPU.Runtime;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu;

/// <summary>What every thread of a launch does. A kernel is its arguments: views and numbers.</summary>
internal interface IGpuKernel
{
    void Run();
}

/// <content>How kernels are launched.</content>
public sealed partial class GpuDevice
{
    private readonly Dictionary<Type, Type> _generic = [];

    /// <summary>Launches a kernel with a thread for each of so many pieces of work, or as many as the accelerator holds at once.</summary>
    internal void Start<K>(long work, in K kernel) where K : struct, IGpuKernel
    {
        if (work > 0) { Start(Over((int)Math.Min(work, int.MaxValue - _group)), kernel); }
    }

    /// <summary>Launches a kernel.</summary>
    internal void Start<K>(KernelConfig how, in K kernel) where K : struct, IGpuKernel =>
        Compiled<K, Action<KernelConfig, K>>(typeof(IGpuKernel), a => a.LoadStreamKernel<K>(Enter))(how, kernel);

    /// <summary>Whether a kernel of the core, or a generic one's definition, has a body here.</summary>
    internal bool HasBody(Type kernel) => _kernels.ContainsKey(kernel) || _generic.ContainsKey(kernel);

    /// <summary>States what runs for a kernel with a formula: <paramref name="body"/> has a static field Launch, a <see cref="DeviceKernel{K}"/>, and the kernel's type arguments.</summary>
    internal void Register(Type kernel, Type body) => _generic[kernel] = body;

    /// <summary>Where a launched kernel begins.</summary>
    internal static void Enter<K>(K kernel) where K : struct, IGpuKernel => kernel.Run();

    /// <summary>Values of 4 bytes that a kernel reads, such as positions: in memory of the current arena, on their way when this returns.</summary>
    internal ArrayView<T> Upload<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        var floats = MemoryMarshal.Cast<T, float>(values);
        View view = new(Allocate(Math.Max(1, floats.Length)), 0, floats.Length);
        if (floats.Length > 0) { Write(floats, view); }
        return Of(view).Cast<T>();
    }

    /// <summary>A view, or another where there is none: every argument of a kernel must be there.</summary>
    internal static Floats Of(View v, Floats otherwise) => v.IsNone ? otherwise : Of(v);

    private DeviceKernel<K>? Find<K>() where K : struct, IKernel
    {
        if (_kernels.TryGetValue(typeof(K), out var known)) { return (DeviceKernel<K>)known; }
        if (!typeof(K).IsGenericType || !_generic.TryGetValue(typeof(K).GetGenericTypeDefinition(), out var body)) { return null; }
        var launch = (DeviceKernel<K>)body.MakeGenericType(typeof(K).GetGenericArguments()).GetField("Launch")!.GetValue(null)!;
        _kernels[typeof(K)] = launch;
        return launch;
    }
}
