using System.Runtime.CompilerServices;
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
    private readonly Dictionary<Type, Delegate> _kernels = [];
    private readonly Dictionary<Type, Type> _generic = [];
    private readonly ByType _bodies = new(), _launchers = new();

    /// <summary>Launches a kernel with a thread for each of so many pieces of work, or as many as the accelerator holds at once.</summary>
    internal void Start<K>(long work, in K kernel) where K : struct, IGpuKernel
    {
        if (work > 0) { Start(Over((int)Math.Min(work, int.MaxValue - _group)), kernel); }
    }

    /// <summary>Launches a kernel.</summary>
    internal void Start<K>(KernelConfig how, in K kernel) where K : struct, IGpuKernel
    {
        LaunchUpdates();
        Launcher<K>().Run(how, kernel);
    }

    /// <summary>Launches a kernel whose groups wait for each other; false if they cannot all be there at once.</summary>
    internal bool StartTogether<K>(KernelConfig how, in K kernel) where K : struct, IGpuKernel
    {
        LaunchUpdates();
        return Launcher<K>().RunTogether(how, kernel);
    }

    /// <summary>States what runs for a kernel here.</summary>
    internal void Register<K>(DeviceKernel<K> body) where K : struct, IKernel => _kernels[typeof(K)] = body;

    /// <summary>Whether a kernel of the core, or a generic one's definition, has a body here.</summary>
    /// <inheritdoc/>
    internal override bool Has<K>() => HasBody(typeof(K));

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

    private Launcher<K> Launcher<K>() where K : struct, IGpuKernel => Unsafe.As<Launcher<K>>(_launchers.Find<K>() ?? _launchers.Add<K>(Code.Load<K>));

    private DeviceKernel<K>? Find<K>() where K : struct, IKernel => _bodies.Find<K>() is { } known ? Unsafe.As<DeviceKernel<K>>(known) : Look<K>();

    private DeviceKernel<K>? Look<K>() where K : struct, IKernel
    {
        if (!HasBody(typeof(K)) && !(typeof(K).IsGenericType && HasBody(typeof(K).GetGenericTypeDefinition()))) { return null; }
        return (DeviceKernel<K>)_bodies.Add<K>(() => _kernels.TryGetValue(typeof(K), out var one) ? one
            : _generic[typeof(K).GetGenericTypeDefinition()].MakeGenericType(typeof(K).GetGenericArguments()).GetField("Launch")!.GetValue(null)!);
    }
}
