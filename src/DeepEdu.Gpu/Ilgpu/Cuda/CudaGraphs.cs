using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu;

/// <summary>A kernel of a graph, as the driver takes it: the first form of CUDA_KERNEL_NODE_PARAMS, which the functions without a suffix keep.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KernelNode
{
    public nint Function;
    public int GridX, GridY, GridZ, BlockX, BlockY, BlockZ, SharedBytes;
    public void** Parameters, Extra;
}

/// <summary>A copy of a graph, as the driver takes it: CUDA_MEMCPY3D, of which a row is used.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CopyNode
{
    public const int Host = 1, Device = 2;

    public nint FromX, FromY, FromZ, FromLevel;
    public int FromKind;
    public nint FromHost, FromDevice, FromArray, Reserved0, FromPitch, FromHeight;
    public nint ToX, ToY, ToZ, ToLevel;
    public int ToKind;
    public nint ToHost, ToDevice, ToArray, Reserved1, ToPitch, ToHeight;
    public nint Width, Height, Depth;
}

/// <summary>The driver's functions for graphs. What it says of them, and what follows here:
/// <list type="bullet">
/// <item>Graphs are not guarded: no two threads may use one at a time. The queue's lock is held for every call.</item>
/// <item>Adding a kernel, or setting its parameters, copies the arguments during the call, which may come as one buffer by <c>extra</c>, as in a launch.</item>
/// <item>Setting a node's parameters in an executable graph touches its later launches only, not those that are on their way; and a launch waits for the stream's work before it and for the same graph's earlier
/// launches. So a graph may be changed and launched again at once.</item>
/// <item>There, the first drivers let everything of a kernel change but its function; of a copy, only to memory of the same kind and context, of one row and not empty. So a graph serves one sequence of
/// functions and kinds of copies; grids and sizes may change.</item>
/// <item>The node that is changed must still be in the graph that the executable one was made from: both live as long as each other.</item>
/// <item>Destroying an executable graph that is on its way lets it end first.</item>
/// <item>Capturing is not possible on the stream that ILGPU uses (the legacy one); launching a graph there is.</item>
/// </list></summary>
internal sealed unsafe class CudaGraphs
{
    private static readonly Lazy<CudaGraphs?> s_found = new(Find);

    public readonly delegate* unmanaged<nint*, uint, CudaError> Create;
    public readonly delegate* unmanaged<nint, CudaError> Destroy;
    public readonly delegate* unmanaged<nint*, nint, nint*, nint, KernelNode*, CudaError> AddKernel;
    public readonly delegate* unmanaged<nint*, nint, nint*, nint, CopyNode*, nint, CudaError> AddCopy;
    public readonly delegate* unmanaged<nint*, nint, ulong, CudaError> Instantiate;
    public readonly delegate* unmanaged<nint, nint, KernelNode*, CudaError> SetKernel;
    public readonly delegate* unmanaged<nint, nint, CopyNode*, nint, CudaError> SetCopy;
    public readonly delegate* unmanaged<nint, nint, CudaError> Launch;
    public readonly delegate* unmanaged<nint, CudaError> DestroyExec;

    private CudaGraphs(nint library)
    {
        Create = (delegate* unmanaged<nint*, uint, CudaError>)NativeLibrary.GetExport(library, "cuGraphCreate");
        Destroy = (delegate* unmanaged<nint, CudaError>)NativeLibrary.GetExport(library, "cuGraphDestroy");
        AddKernel = (delegate* unmanaged<nint*, nint, nint*, nint, KernelNode*, CudaError>)NativeLibrary.GetExport(library, "cuGraphAddKernelNode");
        AddCopy = (delegate* unmanaged<nint*, nint, nint*, nint, CopyNode*, nint, CudaError>)NativeLibrary.GetExport(library, "cuGraphAddMemcpyNode");
        Instantiate = (delegate* unmanaged<nint*, nint, ulong, CudaError>)NativeLibrary.GetExport(library, "cuGraphInstantiateWithFlags");
        SetKernel = (delegate* unmanaged<nint, nint, KernelNode*, CudaError>)NativeLibrary.GetExport(library, "cuGraphExecKernelNodeSetParams");
        SetCopy = (delegate* unmanaged<nint, nint, CopyNode*, nint, CudaError>)NativeLibrary.GetExport(library, "cuGraphExecMemcpyNodeSetParams");
        Launch = (delegate* unmanaged<nint, nint, CudaError>)NativeLibrary.GetExport(library, "cuGraphLaunch");
        DestroyExec = (delegate* unmanaged<nint, CudaError>)NativeLibrary.GetExport(library, "cuGraphExecDestroy");
    }

    /// <summary>Null if the driver is older than 11.4.</summary>
    public static CudaGraphs? Found => s_found.Value;

    private static CudaGraphs? Find()
    {
        try { return new(CudaDriver.Library); }
        catch (EntryPointNotFoundException) { return null; }
    }
}
