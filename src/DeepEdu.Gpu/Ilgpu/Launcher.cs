using ILGPU;
using ILGPU.Runtime;

namespace DeepEdu.Gpu;

/// <summary>A compiled kernel on its device.</summary>
internal abstract class Launcher<K> where K : struct, IGpuKernel
{
    /// <summary>Launches it; returns before it has run.</summary>
    public abstract void Run(KernelConfig how, in K kernel);

    /// <summary>How many groups of so many threads the accelerator holds at once; 0 if it has no launches whose groups may wait for each other.</summary>
    public virtual int Together(int threads) => 0;

    /// <summary>Launches it so that all groups are there at once; false if the accelerator has no room for them.</summary>
    public virtual bool RunTogether(KernelConfig how, in K kernel) => false;
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
