using System.Reflection;
using System.Runtime.InteropServices;
using DeepEdu.Devices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace DeepEdu.Gpu;

/// <content>Which accelerators there are.</content>
public sealed partial class GpuDevice
{
    private static readonly Lazy<Found> s_found = new(Look);

    /// <summary>Whether ILGPU is in this build.</summary>
    public static bool IsBuilt => true;

    /// <summary>Every accelerator that was looked for, with why it is usable or not. Nothing is looked for before the first call.</summary>
    public static IReadOnlyList<GpuInfo> Doctor() => s_found.Value.Infos;

    /// <summary>The usable accelerators, CUDA before OpenCL; the stand-in of <see cref="Simulated"/> is not among them.</summary>
    public static IReadOnlyList<GpuDevice> All() => s_found.Value.Devices;

    /// <summary>The accelerator with the most memory, CUDA before OpenCL.</summary>
    /// <exception cref="NotSupportedException">There is none; the message says what was found.</exception>
    public static GpuDevice Best() => All().OrderByDescending(d => d.Kind == "cuda").ThenByDescending(d => d.Accelerator.MemorySize).FirstOrDefault()
        ?? throw new NotSupportedException($"gpu: no usable accelerator. {string.Join("; ", Doctor())}");

    /// <summary>ILGPU's accelerator on the processor: it runs the very kernels, slowly, and is there for tests.</summary>
    public static GpuDevice Simulated()
    {
        var context = Context.Create(b => b.CPU(new CPUDevice(32, 8, 1)).EnableAlgorithms());
        return new(context.GetCPUDevice(0).CreateAccelerator(context), "cpu", context);
    }

    /// <summary>An OpenCL device that is a processor, such as PoCL's: it runs the code that is compiled for accelerators, and is there for tests. Null if there is none.</summary>
    /// <param name="doubles">False: as some graphics chips are, without double precision.</param>
    internal static GpuDevice? OpenClProcessor(bool doubles = true)
    {
        _ = Doctor(); // finds the library
        var context = Context.Create(b => b.OpenCL(d => d.DeviceType == CLDeviceType.CL_DEVICE_TYPE_CPU).EnableAlgorithms().Optimize(OptimizationLevel.O2));
        if (context.GetCLDevices() is not { Count: > 0 } all) { context.Dispose(); return null; }
        // asked for by ILGPU, but no optimised kernel of ours has a pointer of unknown memory
        typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))!.SetValue(all[0].Capabilities, true);
        if (!doubles) { typeof(CLCapabilityContext).GetProperty(nameof(CLCapabilityContext.Float64))!.SetValue(all[0].Capabilities, false); }
        return new(all[0].CreateAccelerator(context), "opencl", context);
    }

    private static Found Look()
    {
        FindVersionedLibraries();
        Found found = new([], []);
        Try(found, "cuda", b => b.Cuda().EnableAlgorithms().Optimize(OptimizationLevel.O2), c => c.GetCudaDevices(), CudaDriver.WhyNone);
        Try(found, "opencl", b => b.OpenCL(_ => true).EnableAlgorithms().Optimize(OptimizationLevel.O2), c => c.GetCLDevices(), () => WhyNoOpenCl(CudaDriver.Load("OpenCL", typeof(Context).Assembly, null)));
        return found;
    }

    private static void Try<T>(Found found, string kind, Action<Context.Builder> enable, Func<Context, Context.DeviceCollection<T>> devices, Func<string> whyNone) where T : ILGPU.Runtime.Device
    {
        try
        {
            var context = Context.Create(enable);
            int count = 0;
            foreach (var device in devices(context))
            {
                count++;
                if (device is CLDevice { DeviceType: CLDeviceType.CL_DEVICE_TYPE_CPU }) { found.Infos.Add(new(kind, device.Name, "a processor, which is faster without OpenCL")); continue; }
                if (device is CLDevice { Vendor: CLDeviceVendor.Nvidia } && found.Devices.Any(d => d.Kind == "cuda")) { found.Infos.Add(new(kind, device.Name, "used through CUDA")); continue; }
                try
                {
                    found.Devices.Add(new(device.CreateAccelerator(context), kind));
                    found.Infos.Add(new(kind, device.Name, null));
                }
                catch (Exception e) when (e is not OutOfMemoryException) { found.Infos.Add(new(kind, device.Name, e.Message)); }
            }
            if (count == 0) { found.Infos.Add(new(kind, kind, whyNone())); }
        }
        catch (Exception e) when (e is not OutOfMemoryException) { found.Infos.Add(new(kind, kind, e.Message)); }
    }

    /// <summary>Why OpenCL shows no device, with its loader, or 0 where there is none.</summary>
    internal static string WhyNoOpenCl(nint loader) => loader == 0 ? "no libOpenCL, OpenCL's loader, was found on the library path (Debian: ocl-icd-libopencl1)"
        : "the loader is there and shows no device: each driver names itself in a file of /etc/OpenCL/vendors, and a container must be started with the accelerator";

    // a machine without the developer packages has the libraries under their versioned names only
    private static void FindVersionedLibraries()
    {
        try
        {
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, CudaDriver.Load);
        }
        catch (InvalidOperationException) { } // the program has a resolver of its own
    }

    private sealed record Found(List<GpuDevice> Devices, List<GpuInfo> Infos);
}
