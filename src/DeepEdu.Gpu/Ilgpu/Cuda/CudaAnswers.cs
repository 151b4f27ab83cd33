using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu;

/// <summary>What the driver answers a device. An error that a kernel ended with is answered by whatever is asked next: a launch, a graph, a copy, memory. So all of a device's calls are checked here, and say the same.</summary>
internal sealed class CudaAnswers
{
    private volatile bool _waitsWithin;

    /// <summary>From here on a launch whose groups waited for each other may be what went wrong.</summary>
    public void ExpectWaiting() => _waitsWithin = true;

    /// <exception cref="CudaException">The driver says no.</exception>
    public void Check(CudaError error)
    {
        if (error != CudaError.CUDA_SUCCESS) { throw Explain(new(error)); }
    }

    /// <summary>The same error, with what helps if it is known.</summary>
    public CudaException Explain(CudaException error) =>
        _waitsWithin && error.Error is nameof(CudaError.CUDA_ERROR_ILLEGAL_INSTRUCTION) or nameof(CudaError.CUDA_ERROR_LAUNCH_FAILED) or nameof(CudaError.CUDA_ERROR_LAUNCH_TIMEOUT)
            ? new($"{error.Message}. If it was a recurrent layer's sequence, whose groups waited for each other and gave up: set {nameof(GpuDevice)}.{nameof(GpuDevice.PersistentRecurrence)} to false in a new process, and its steps are launched one by one", error)
            : error;

    /// <summary>The answer to giving something back. Only what was wrong with that itself is an error here: a kernel's is told by what follows, and must not take the place of one that is on its way.</summary>
    public static void CheckGone(CudaError error)
    {
        if (error is CudaError.CUDA_ERROR_INVALID_VALUE or CudaError.CUDA_ERROR_INVALID_HANDLE) { throw new CudaException(error); }
    }
}
