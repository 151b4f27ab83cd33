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

    private CudaDriver()
    {
        nint library = Library;
        LaunchKernel = (delegate* unmanaged<nint, int, int, int, int, int, int, int, nint, void**, void**, CudaError>)NativeLibrary.GetExport(library, "cuLaunchKernel");
        MemcpyAsync = (delegate* unmanaged<nint, nint, nint, nint, CudaError>)NativeLibrary.GetExport(library, "cuMemcpyAsync");
        StreamSynchronize = (delegate* unmanaged<nint, CudaError>)NativeLibrary.GetExport(library, "cuStreamSynchronize");
    }

    /// <summary>The driver that ILGPU has found.</summary>
    public static CudaDriver Found => s_found.Value;

    /// <summary>Its library.</summary>
    public static nint Library => s_library.Value;

    /// <summary>A library by its name, or, on a machine without the developer packages, by its versioned name.</summary>
    public static nint Load(string name, System.Reflection.Assembly assembly, DllImportSearchPath? path)
    {
        bool cuda = name.Contains("cuda", StringComparison.OrdinalIgnoreCase);
        if (cuda && OperatingSystem.IsWindows()) { name = "nvcuda"; }
        if (NativeLibrary.TryLoad(name, assembly, path, out nint handle)) { return handle; }
        string? versioned = cuda ? "libcuda.so.1" : name.Contains("opencl", StringComparison.OrdinalIgnoreCase) ? "libOpenCL.so.1" : null;
        return versioned is not null && NativeLibrary.TryLoad(versioned, out handle) ? handle : 0;
    }

    /// <exception cref="CudaException">The driver says no.</exception>
    public static void Check(CudaError error)
    {
        if (error != CudaError.CUDA_SUCCESS) { CudaException.ThrowIfFailed(error); }
    }
}
