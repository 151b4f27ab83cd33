using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu;

/// <summary>A compiled kernel on its device.</summary>
internal abstract class Launcher<K> where K : struct, IGpuKernel
{
    /// <summary>Launches it; returns before it has run.</summary>
    public abstract void Run(KernelConfig how, in K kernel);
}

/// <summary>ILGPU's own way to launch, which every accelerator has.</summary>
internal sealed class IlgpuLauncher<K>(Accelerator accelerator, Kernel kernel) : Launcher<K> where K : struct, IGpuKernel
{
    private readonly Action<AcceleratorStream, KernelConfig, K> _run = kernel.CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, K>>();

    public override void Run(KernelConfig how, in K kernel)
    {
        accelerator.Bind(); // a launch does not: this thread may have used another device, or none
        _run(accelerator.DefaultStream, how, kernel);
    }
}
