using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace DeepEdu.Gpu;

/// <summary>A place in the order in which an accelerator works.</summary>
internal interface IMark : IDisposable
{
    /// <summary>Puts the mark behind everything launched so far.</summary>
    void Set();

    /// <summary>Whether the accelerator is known to have come past it.</summary>
    bool IsReached { get; }

    /// <summary>Waits until it has.</summary>
    void Wait();
}

/// <summary>Marks as an accelerator offers them.</summary>
internal static class Marks
{
    public static IMark Of(Accelerator accelerator) => accelerator is CudaAccelerator cuda ? new CudaMark(cuda) : new StreamMark(accelerator);

    // waiting for everything waits for the mark, too
    private sealed class StreamMark(Accelerator accelerator) : IMark
    {
        public bool IsReached => false;

        public void Set() { }

        public void Wait() => accelerator.DefaultStream.Synchronize();

        public void Dispose() { }
    }

    private sealed class CudaMark(CudaAccelerator accelerator) : IMark
    {
        private nint _event;

        public bool IsReached
        {
            get
            {
                using var bound = accelerator.BindScoped();
                return CudaAPI.CurrentAPI.QueryEvent(_event) == CudaError.CUDA_SUCCESS;
            }
        }

        public void Set()
        {
            using var bound = accelerator.BindScoped();
            if (_event == 0) { CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.CreateEvent(out _event, CudaEventFlags.CU_EVENT_DISABLE_TIMING)); }
            CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.RecordEvent(_event, ((CudaStream)accelerator.DefaultStream).StreamPtr));
        }

        public void Wait()
        {
            using var bound = accelerator.BindScoped();
            CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.SynchronizeEvent(_event));
        }

        public void Dispose()
        {
            if (_event == 0) { return; }
            using var bound = accelerator.BindScoped();
            CudaException.ThrowIfFailed(CudaAPI.CurrentAPI.DestroyEvent(_event));
            _event = 0;
        }
    }
}
