using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU.Runtime.Cuda;
using Buffer = ILGPU.Runtime.MemoryBuffer1D<float, ILGPU.Stride1D.Dense>;

namespace DeepEdu.Gpu;

/// <summary>A kernel and how many threads it gets (no kernel here asks for shared memory at the launch), or a copy.</summary>
internal struct CudaLaunch
{
    /// <summary>In the place of a kernel: a copy from the host, or within the device.</summary>
    public const int FromHost = 1, Within = 2;

    /// <summary>Which kernel, as a number: the same for the same function.</summary>
    public int Kernel;
    public int GridX, GridY, GridZ, BlockX, BlockY, BlockZ;
    public nint Function;

    public readonly bool IsCopy => Kernel <= Within;
}

/// <summary>The order of a CUDA accelerator's default stream, by calls of the driver. With graphs, what is asked for is collected in a list, and goes to the driver as a whole before anything else
/// does that must come after it: reading, waiting, marks, giving memory back; when a step is over; or when the list is full. The list is what would have gone one by one, so nothing is remembered that could be out of
/// date: a graph that is there already gets every argument that has changed.</summary>
internal sealed unsafe class CudaQueue(CudaAccelerator accelerator) : IOrder
{
    private readonly CudaDriver _driver = CudaDriver.Found;
    private readonly nint _stream = ((CudaStream)accelerator.DefaultStream).StreamPtr;
    private readonly CudaAnswers _answers = new();
    private readonly Lock _gate = new();
    private WorkList? _list;
    private GraphCache? _cache;
    private readonly Lazy<bool> _cooperates = new(() => CudaAPI.CurrentAPI.GetDeviceAttribute(CooperativeLaunch, accelerator.DeviceId) != 0);
    private long _direct, _collected, _launched, _updated, _made;
    private int _kernels = CudaLaunch.Within;

    /// <summary>Whether launches and copies are collected and go as graphs.</summary>
    /// <exception cref="NotSupportedException">The driver has no graphs whose arguments can be changed.</exception>
    public bool Graphs
    {
        get => _list is not null;
        set
        {
            lock (_gate)
            {
                if (value == Graphs) { return; }
                if (value)
                {
                    _cache = new(CudaGraphs.Found ?? throw new NotSupportedException("gpu: graphs take a driver of CUDA 11.4 or later"), _answers, accelerator.NativePtr);
                    _list = new();
                }
                else
                {
                    Flush();
                    Close();
                }
            }
        }
    }

    /// <summary>What went to the driver so far.</summary>
    public LaunchCounts Counts
    {
        get
        {
            lock (_gate) { return new(Interlocked.Read(ref _direct), _launched, _collected, _updated, _made + (_cache?.Made ?? 0)); }
        }
    }

    /// <summary>A number for a kernel.</summary>
    public int Number() => Interlocked.Increment(ref _kernels);

    /// <summary>Launches a kernel; the arguments are the caller's again when this returns.</summary>
    public void Launch(in CudaLaunch what, byte* arguments, int bytes)
    {
        if (Volatile.Read(ref _list) is not null && Collect(what, arguments, bytes)) { return; }
        accelerator.Bind();
        Direct(what, arguments, bytes);
    }

    /// <summary>How many groups of a kernel the accelerator holds at once, if it can be launched so that all are there at once; else 0.</summary>
    public int Together(nint function, int threads)
    {
        accelerator.Bind();
        int groups = 0;
        if (_driver.LaunchCooperativeKernel is null || accelerator.Architecture < CudaArchitecture.SM_70 || !_cooperates.Value) { return 0; }
        return _driver.GroupsOfMultiprocessor(&groups, function, threads, 0) == CudaError.CUDA_SUCCESS ? groups * accelerator.NumMultiprocessors : 0;
    }

    /// <summary>Launches a kernel whose groups wait for each other, now, behind what was collected: it is not put into a graph. False if the driver does not take them all at once.</summary>
    public bool LaunchTogether(in CudaLaunch what, byte* arguments)
    {
        const CudaError TooLarge = (CudaError)720, NotSupported = (CudaError)801, OutOfResources = (CudaError)701;
        void** parameters = stackalloc void*[1];
        parameters[0] = arguments;
        lock (_gate)
        {
            Flush();
            accelerator.Bind();
            var error = _driver.LaunchCooperativeKernel(what.Function, what.GridX, what.GridY, what.GridZ, what.BlockX, what.BlockY, what.BlockZ, 0, _stream, parameters);
            if (error is TooLarge or NotSupported or OutOfResources) { return false; }
            Check(error);
            _answers.ExpectWaiting();
        }
        Interlocked.Increment(ref _direct);
        return true;
    }

    public void Write(Span<byte> pinned, Buffer to, long at, bool isLocked)
    {
        if (!isLocked) { Flushed(); } // of other memory a graph takes no copies
        CopyWork copy = new() { To = to.NativePtr + (nint)at, From = Address(pinned), Bytes = pinned.Length };
        if (isLocked) { Copy(CudaLaunch.FromHost, copy); }
        else { Check(_driver.MemcpyAsync(copy.To, copy.From, copy.Bytes, _stream)); }
    }

    public void Copy(Buffer from, int fromAt, Buffer to, int toAt, int length) =>
        Copy(CudaLaunch.Within, new() { To = to.NativePtr + ((nint)toAt * sizeof(float)), From = from.NativePtr + ((nint)fromAt * sizeof(float)), Bytes = (nint)length * sizeof(float) });

    public void Read(Buffer from, long at, Span<byte> pinned)
    {
        Flushed();
        Check(_driver.MemcpyAsync(Address(pinned), from.NativePtr + (nint)at, pinned.Length, _stream));
    }

    public void Wait()
    {
        Flushed();
        Check(_driver.StreamSynchronize(_stream));
    }

    /// <summary>Lets what was collected go to the accelerator.</summary>
    public void Submit()
    {
        if (Volatile.Read(ref _list) is null) { return; }
        lock (_gate) { Flush(); }
    }

    public IMark Mark() => new CudaMark(this, accelerator);

    public Exception Explain(Exception error) => error is CudaException cuda ? _answers.Explain(cuda) : error;

    // what is in the list may use that memory; and a graph must not hold on to it, though its addresses would be set anew
    public void BeforeFree()
    {
        lock (_gate)
        {
            Flush();
            if (_cache is { } cache)
            {
                accelerator.Bind();
                cache.Clear();
            }
        }
    }

    public void Dispose()
    {
        lock (_gate) { Close(); }
    }

    /// <summary>The driver's list of extras: pairs of a number and what it means. 1, the buffer of all arguments; 2, where its size stands; 0, the end.</summary>
    internal static void Extra(void** extra, byte* arguments, nint* bytes)
    {
        extra[0] = (void*)1;
        extra[1] = arguments;
        extra[2] = (void*)2;
        extra[3] = bytes;
        extra[4] = null;
    }

    private static nint Address(Span<byte> pinned) => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetReference(pinned));

    private void Copy(int kind, CopyWork copy) => Launch(new() { Kernel = kind }, (byte*)&copy, sizeof(CopyWork));

    private void Direct(in CudaLaunch what, byte* arguments, nint bytes)
    {
        if (what.IsCopy)
        {
            ref readonly var copy = ref *(CopyWork*)arguments;
            Check(_driver.MemcpyAsync(copy.To, copy.From, copy.Bytes, _stream));
            return;
        }
        Interlocked.Increment(ref _direct);
        void** extra = stackalloc void*[5];
        Extra(extra, arguments, &bytes);
        Check(_driver.LaunchKernel(what.Function, what.GridX, what.GridY, what.GridZ, what.BlockX, what.BlockY, what.BlockZ, 0, _stream, null, extra));
    }

    private void Check(CudaError error) => _answers.Check(error);

    // false if graphs were switched off meanwhile
    private bool Collect(in CudaLaunch what, byte* arguments, int bytes)
    {
        lock (_gate)
        {
            if (_list is not { } list) { return false; }
            list.Add(what, arguments, bytes);
            if (list.IsFull) { Flush(); }
            return true;
        }
    }

    private void Flushed()
    {
        accelerator.Bind();
        Submit();
    }

    private void Flush()
    {
        if (_list is not { Count: > 0 } list) { return; }
        accelerator.Bind();
        try
        {
            if (_cache!.Of(list) is { } graph)
            {
                _updated += graph.Launch(list, _stream);
                _launched++;
                _collected += list.Count;
            }
            else
            {
                foreach (ref readonly var item in list.Items) { Direct(item.What, list.Arguments(item), item.Bytes); }
            }
        }
        catch
        {
            // whatever of it has not run will not: the error says so, once
            _cache!.Drop(list);
            throw;
        }
        finally { list.Clear(); }
    }

    private void Close()
    {
        if (_cache is not { } cache) { return; }
        accelerator.Bind();
        cache.Clear();
        _made += cache.Made;
        _list!.Dispose();
        (_cache, _list) = (null, null);
    }

    private const DeviceAttributeKind CooperativeLaunch = (DeviceAttributeKind)95;

    private sealed class CudaMark(CudaQueue queue, CudaAccelerator accelerator) : IMark
    {
        private nint _event;

        public bool IsReached
        {
            get
            {
                accelerator.Bind();
                return CudaAPI.CurrentAPI.QueryEvent(_event) == CudaError.CUDA_SUCCESS;
            }
        }

        public void Set()
        {
            queue.Flushed();
            if (_event == 0) { queue.Check(CudaAPI.CurrentAPI.CreateEvent(out _event, CudaEventFlags.CU_EVENT_DISABLE_TIMING)); }
            queue.Check(CudaAPI.CurrentAPI.RecordEvent(_event, queue._stream));
        }

        public void Wait()
        {
            accelerator.Bind();
            queue.Check(CudaAPI.CurrentAPI.SynchronizeEvent(_event));
        }

        public void Dispose()
        {
            if (_event == 0) { return; }
            accelerator.Bind();
            CudaAnswers.CheckGone(CudaAPI.CurrentAPI.DestroyEvent(_event));
            _event = 0;
        }
    }
}

/// <summary>What went to the driver.</summary>
/// <param name="Direct">Kernels launched one by one.</param>
/// <param name="Graphs">Graphs launched.</param>
/// <param name="Collected">Kernels and copies in those graphs.</param>
/// <param name="Updated">Of those, how many had other arguments than the time before.</param>
/// <param name="Made">Graphs made.</param>
internal readonly record struct LaunchCounts(long Direct, long Graphs, long Collected, long Updated, long Made);
