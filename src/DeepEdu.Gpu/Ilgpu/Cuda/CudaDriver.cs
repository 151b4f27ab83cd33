using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu;

/// <summary>What of CUDA's driver is called here without ILGPU in between: function pointers cost no marshalling. Every function is there since CUDA 11.4 under the name that is asked for, in the
/// form that the name has always had (a later form has a later suffix).</summary>
internal sealed unsafe class CudaDriver
{
    private static readonly Lazy<CudaDriver> s_found = new(() => new());
    private static readonly Lazy<nint> s_library = new(() => Load("cuda", typeof(Context).Assembly, null));

    public readonly delegate* unmanaged<nint, int, int, int, int, int, int, int, nint, void**, void**, CudaError> LaunchKernel;
    public readonly delegate* unmanaged<nint, nint, nint, nint, CudaError> MemcpyAsync;
    public readonly delegate* unmanaged<nint, CudaError> StreamSynchronize;

    /// <summary>Null where the driver has none.</summary>
    public readonly delegate* unmanaged<nint, int, int, int, int, int, int, int, nint, void**, CudaError> LaunchCooperativeKernel;

    /// <inheritdoc cref="LaunchCooperativeKernel"/>
    public readonly delegate* unmanaged<int*, nint, int, nint, CudaError> GroupsOfMultiprocessor;

    private CudaDriver()
    {
        nint library = Library;
        LaunchKernel = (delegate* unmanaged<nint, int, int, int, int, int, int, int, nint, void**, void**, CudaError>)NativeLibrary.GetExport(library, "cuLaunchKernel");
        MemcpyAsync = (delegate* unmanaged<nint, nint, nint, nint, CudaError>)NativeLibrary.GetExport(library, "cuMemcpyAsync");
        StreamSynchronize = (delegate* unmanaged<nint, CudaError>)NativeLibrary.GetExport(library, "cuStreamSynchronize");
        if (NativeLibrary.TryGetExport(library, "cuLaunchCooperativeKernel", out nint launch) && NativeLibrary.TryGetExport(library, "cuOccupancyMaxActiveBlocksPerMultiprocessor", out nint groups))
        {
            LaunchCooperativeKernel = (delegate* unmanaged<nint, int, int, int, int, int, int, int, nint, void**, CudaError>)launch;
            GroupsOfMultiprocessor = (delegate* unmanaged<int*, nint, int, nint, CudaError>)groups;
        }
    }

    /// <summary>The driver that ILGPU has found.</summary>
    public static CudaDriver Found => s_found.Value;

    /// <summary>Its library.</summary>
    public static nint Library => s_library.Value;

    /// <summary>A library by its versioned name, which is a driver's; else by its plain name, which may be that of a toolkit's stub; else where containers and Windows' Linux keep it.</summary>
    public static nint Load(string name, System.Reflection.Assembly assembly, DllImportSearchPath? path)
    {
        bool cuda = name.Contains("cuda", StringComparison.OrdinalIgnoreCase);
        if (cuda && OperatingSystem.IsWindows()) { name = "nvcuda"; }
        string? versioned = !OperatingSystem.IsLinux() ? null : cuda ? "libcuda.so.1" : name.Contains("opencl", StringComparison.OrdinalIgnoreCase) ? "libOpenCL.so.1" : null;
        if (versioned is not null && NativeLibrary.TryLoad(versioned, out nint handle)) { return handle; }
        if (NativeLibrary.TryLoad(name, assembly, path, out handle)) { return handle; }
        foreach (string folder in versioned is null ? [] : (string[])["/usr/local/nvidia/lib64", "/usr/lib/wsl/lib", "/usr/lib64-nvidia", "/usr/lib/x86_64-linux-gnu/nvidia/current"])
        {
            if (NativeLibrary.TryLoad(Path.Combine(folder, versioned!), out handle)) { return handle; }
        }
        return 0;
    }

    /// <summary>Why the driver shows no device.</summary>
    public static string WhyNone()
    {
        const int NoDevice = 100, Stub = 34, NotReady = 802;
        if (Library == 0) { return "no libcuda, which comes with NVIDIA's driver, was found on the library path"; }
        if (!NativeLibrary.TryGetExport(Library, "cuInit", out nint init) || !NativeLibrary.TryGetExport(Library, "cuGetErrorString", out nint words)) { return "libcuda has no cuInit: it is no driver"; }
        int error = (int)((delegate* unmanaged<uint, CudaError>)init)(0);
        if (error == 0) { return "the driver is there and shows no device that ILGPU can describe; is CUDA_VISIBLE_DEVICES set?"; }
        byte* text = null;
        _ = ((delegate* unmanaged<int, byte**, CudaError>)words)(error, &text);
        string help = error switch
        {
            NoDevice => "; a container gets GPUs only where it is started with them, and CUDA_VISIBLE_DEVICES hides those that it does not name",
            Stub => "; a toolkit's stub was found in place of the driver's library: take its folder off LD_LIBRARY_PATH",
            NotReady => "; GPUs that are joined by NVSwitch take a running fabric manager",
            _ => "",
        };
        return $"cuInit ends with error {error}, {Marshal.PtrToStringUTF8((nint)text) ?? "unknown to the driver"}{help}";
    }

    /// <exception cref="CudaException">The driver says no.</exception>
    public static void Check(CudaError error)
    {
        if (error != CudaError.CUDA_SUCCESS) { CudaException.ThrowIfFailed(error); }
    }
}
