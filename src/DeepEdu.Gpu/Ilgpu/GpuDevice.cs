using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Memory;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;
using Floats = ILGPU.ArrayView<float>;

namespace DeepEdu.Gpu;

/// <summary>An accelerator of ILGPU as a device: CUDA, OpenCL, or ILGPU's processor that stands in for tests.</summary>
public sealed partial class GpuDevice : DeepEdu.Devices.Device, IDisposable
{
    // the most threads that fold a row
    private const int Folders = 256;

    private static readonly List<GpuDevice> s_broken = [];
    private readonly ConcurrentDictionary<string, bool> _told = new();
    private readonly Context? _owned;
    private readonly Accelerator _accelerator;
    private readonly Pool _pool;
    private readonly GpuMemory _memory;
    private readonly CudaQueue? _queue;
    private readonly IOrder _order;
    private readonly Staging _staging;
    private readonly int _group, _grid;
    private MatMulPrecision _precision;

    internal GpuDevice(Accelerator accelerator, string kind, Context? owned = null)
    {
        (_accelerator, _owned, Kind) = (accelerator, owned, kind);
        _pool = new((home, n) => new GpuBlock(_memory!, _memory!.Rent(n)) { Home = home }) { OldestFirst = true };
        _queue = accelerator is CudaAccelerator cuda ? new(cuda) : null;
        _order = (IOrder?)_queue ?? new IlgpuOrder(accelerator);
        _memory = new(accelerator, Name, _pool.Trim, _order);
        _staging = new(accelerator, _order, _order.Mark);
        Code = new(accelerator, _queue);
        ReadsInPlace.Of(accelerator);
        _group = Math.Min(256, accelerator.MaxNumThreadsPerGroup);
        _grid = Math.Max(1, accelerator.NumMultiprocessors) * Math.Max(1, accelerator.MaxNumThreadsPerMultiprocessor / _group);
        DeviceKernels.Register(this);
    }

    /// <summary>Through what it is reached: cuda, opencl or cpu.</summary>
    public string Kind { get; }

    /// <inheritdoc/>
    public override string Name => $"{Kind} ({_accelerator.Name})";

    /// <inheritdoc/>
    public override Pool Pool => _pool;

    /// <summary>Bytes that tensors hold: those of open arenas, parameters, and tensors that the garbage collector has not found yet. PyTorch's <c>torch.cuda.memory_allocated</c>.</summary>
    public long LiveBytes => _memory.TakenBytes - CachedBytes;

    /// <summary>Bytes taken from the accelerator that wait for the next tensor.</summary>
    public long CachedBytes => _pool.PooledBytes + _memory.IdleBytes;

    /// <summary>The most bytes that were taken from the accelerator at one time since <see cref="ResetPeak"/>, or the start. PyTorch's <c>torch.cuda.max_memory_reserved</c>.</summary>
    public long PeakBytes => _memory.PeakBytes;

    /// <summary>The most bytes to take from the accelerator; no limit unless set.</summary>
    public long MemoryLimit { get => _memory.Limit; set => _memory.Limit = value; }

    /// <summary>How often the host has waited for the accelerator: where a value was read, and few times else.</summary>
    public long HostWaits => _staging.Waits;

    /// <summary>How exactly matrix products, dense layers, the input products of recurrent layers, convolutions and attention are made: in float32 unless set otherwise. The other values round both factors (those of
    /// convolutions and attention to TF32 at most) and leave the products to tensor cores. Without such cores (<see cref="HasTensorCores"/>) they change nothing, which <see cref="Log"/> is told, or throw if <see cref="Strict"/>.
    /// The steps of recurrent layers are always float32. PyTorch's <c>torch.set_float32_matmul_precision</c>, and <c>torch.backends.cudnn.allow_tf32</c>.</summary>
    /// <exception cref="NotSupportedException">There are no tensor cores, and the device is strict.</exception>
    public MatMulPrecision MatMulPrecision
    {
        get => _precision;
        set
        {
            if (value != MatMulPrecision.Highest && !HasTensorCores)
            {
                string what = $"matmul: {Name} has no tensor cores for {value}, which takes an NVIDIA GPU of compute capability 8.0 or above";
                if (Strict) { throw new NotSupportedException($"{what}; leave MatMulPrecision at Highest, or set Strict to false"); }
                Log($"{what}; products stay float32");
            }
            _precision = value;
        }
    }

    /// <summary>Whether there are tensor cores for float32 factors; <see cref="Simulated"/> has them, too, simulated.</summary>
    public bool HasTensorCores => _accelerator is CPUAccelerator || (_accelerator is CudaAccelerator cuda && cuda.Architecture >= CudaArchitecture.SM_80);

    /// <summary>Whether it knows double precision, which some graphics chips under OpenCL do not.</summary>
    internal bool HasDoubles => _accelerator is not CLAccelerator { Capabilities.Float64: false };

    internal bool UsesTensorCores => _precision != MatMulPrecision.Highest && HasTensorCores;

    /// <summary>Whether an operation without a kernel here throws; otherwise it runs on the processor, with copies both ways, and <see cref="Log"/> is told once.</summary>
    public bool Strict { get; set; }

    /// <summary>Told once an operation that it runs on the processor; the error stream at first.</summary>
    public Action<string> Log { get; set; } = Console.Error.WriteLine;

    internal Accelerator Accelerator => _accelerator;

    /// <summary>Doubles of the matrices that equations and factors are worked on together: half a gigabyte.</summary>
    internal long MatrixRoom { get; set; } = 1L << 26;

    /// <summary>What compiles its kernels.</summary>
    internal GpuCode Code { get; set; }

    internal CudaQueue? Queue => _queue;

    /// <summary>Gives memory that waits for the next tensor back to the accelerator. PyTorch's <c>torch.cuda.empty_cache</c>.</summary>
    public void EmptyCache()
    {
        Synchronize();
        _pool.Trim();
        _memory.Trim();
    }

    /// <summary>Begins to look for the peak anew.</summary>
    public void ResetPeak() => _memory.ResetPeak();

    /// <summary>The memory in one line, such as "cuda (NVIDIA H200): 12.5 MiB live, 3.2 MiB cached, 20 MiB at the peak, of 143771 MiB".</summary>
    public string MemoryReport() => $"{Name}: {GpuMemory.Megabytes(LiveBytes)} live, {GpuMemory.Megabytes(CachedBytes)} cached, {GpuMemory.Megabytes(PeakBytes)} at the peak, of {GpuMemory.Megabytes(_accelerator.MemorySize)}";

    /// <inheritdoc/>
    public override Block Allocate(int length)
    {
        if (Arena.Current is not { } arena) { return AllocatePersistent(length); }
        var block = _pool.Rent(length);
        arena.Own(block);
        return block;
    }

    /// <inheritdoc/>
    public override Block AllocatePersistent(int length) => new GpuBlock(_memory, _memory.Rent(length));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<float> from, View to)
    {
        LaunchUpdates();
        _staging.Write(from, Memory(to), to.Offset);
        KeepAlive(to);
    }

    /// <inheritdoc/>
    public override void Read(View from, Span<float> to)
    {
        LaunchUpdates();
        _staging.Read(Memory(from), from.Offset, to);
        KeepAlive(from);
    }

    /// <inheritdoc/>
    public override void Copy(View from, View to)
    {
        LaunchUpdates();
        if (from.Length > 0) { _order.Copy(Memory(from), from.Offset, Memory(to), to.Offset, from.Length); }
        KeepAlive(from, to);
    }

    /// <inheritdoc/>
    public override void Fill(View to, float value)
    {
        if (Aligned(to)) { Start(to.Length / 4, new Fill4Loop { Y = Fours(to), Value = value }); }
        else { Start(to.Length, new FillLoop { Y = Of(to), Value = value }); }
        KeepAlive(to);
    }

    /// <inheritdoc/>
    public override void Map<F>(F f, View x, View y)
    {
        if (Aligned(x) && Aligned(y)) { Start(y.Length / 4, new Map4Loop<F> { Formula = f, X = Fours(x), Y = Fours(y) }); }
        else { Start(y.Length, new MapLoop<F> { Formula = f, X = Of(x), Y = Of(y) }); }
        KeepAlive(x, y);
    }

    /// <inheritdoc/>
    public override void Zip<F>(F f, View a, View b, View y, in Broadcast how)
    {
        if (how.Rank == 1 && how.A[0] == 1 && how.B[0] == 1 && Aligned(a) && Aligned(b) && Aligned(y)) { Start(y.Length / 4, new Zip4Loop<F> { Formula = f, A = Fours(a), B = Fours(b), Y = Fours(y) }); }
        else if (Runs(how, y)) { Start(y.Length / 4, new ZipRunLoop<F> { Formula = f, A = Of(a), B = Of(b), Y = Fours(y), How = new(how, a, b, b) }); }
        else { Start(y.Length, new ZipLoop<F> { Formula = f, A = Of(a), B = Of(b), Y = Of(y), How = new(how) }); }
        KeepAlive(a, b, y);
    }

    /// <inheritdoc/>
    public override void Zip3<F>(F f, View a, View b, View c, View y, in Broadcast how)
    {
        if (how.Rank == 1 && how.A[0] == 1 && how.B[0] == 1 && how.C[0] == 1 && Aligned(a) && Aligned(b) && Aligned(c) && Aligned(y)) { Start(y.Length / 4, new Zip34Loop<F> { Formula = f, A = Fours(a), B = Fours(b), C = Fours(c), Y = Fours(y) }); }
        else if (Runs(how, y)) { Start(y.Length / 4, new Zip3RunLoop<F> { Formula = f, A = Of(a), B = Of(b), C = Of(c), Y = Fours(y), How = new(how, a, b, c) }); }
        else { Start(y.Length, new Zip3Loop<F> { Formula = f, A = Of(a), B = Of(b), C = Of(c), Y = Of(y), How = new(how) }); }
        KeepAlive(a, b, c, y);
    }

    /// <inheritdoc/>
    public override void Fold<F>(F f, View x, int outer, int n, int inner, View y)
    {
        if (y.Length == 0) { return; }
        if (n == 0) { Fill(y, f.Start); }
        else if (inner > 1)
        {
            // long columns in pieces, too: a thread that adds up thousands of values waits for memory all the time
            const int Longest = 32;
            int size = Teams(y.Length, n, true, out _).Size, pieces = n <= size * Longest ? 1 : Math.Clamp(n / (size * Longest / 2), 1, Math.Max(1, Plenty / (y.Length * size))), piece = (n + pieces - 1) / pieces;
            pieces = (n + piece - 1) / piece;
            if (pieces == 1) { Columns(f, x, outer, n, inner, 1, n, y); return; }
            using var arena = new Arena();
            var partial = new View(Allocate(outer * pieces * inner), 0, outer * pieces * inner);
            Columns(f, x, outer, n, inner, pieces, piece, partial);
            Fold(new JoinFold<F>(f), partial, outer, pieces, inner, y);
        }
        else
        {
            // long rows in pieces, so that every multiprocessor has some
            const int Piece = 16 * Folders;
            int pieces = (n + Piece - 1) / Piece;
            if (pieces == 1) { Rows(f, x, n, 1, n, y); return; }
            using var arena = new Arena();
            var partial = new View(Allocate(outer * pieces), 0, outer * pieces);
            Rows(f, x, n, pieces, Piece, partial);
            Fold(new JoinFold<F>(f), partial, outer, pieces, 1, y);
        }
    }

    /// <inheritdoc/>
    public override void Launch<K>(in K kernel)
    {
        if (Find<K>() is { } body) { body(this, kernel); }
        else { Processor.Run(this, kernel); }
        KeepAlive(kernel);
    }

    /// <summary>A kernel is about to run on the processor.</summary>
    /// <exception cref="NotSupportedException">The device is strict.</exception>
    internal void OnHost(string operation)
    {
        if (Strict) { throw new NotSupportedException($"{operation}: no kernel on {Name}; set Strict to false to let it run on the processor, or move its operands with To(CpuDevice.Instance)"); }
        if (_told.TryAdd(operation, true)) { Log($"{operation}: no kernel on {Name}; it runs on the processor"); }
    }

    /// <inheritdoc/>
    public override void Synchronize() => _staging.Synchronize();

    /// <summary>Lets go of the accelerator. Tensors on it can no longer be used.</summary>
    public void Dispose()
    {
        if (!_memory.Close()) { return; }
        try
        {
            Synchronize(); // copies on their way read memory that goes now
            _staging.Dispose();
            _order.Dispose();
            _accelerator.Dispose();
        }
        catch (AcceleratorException)
        {
            // a kernel's error, which was told already, ends a CUDA context: it gives nothing back, and no finalizer may ask it to
            lock (s_broken) { s_broken.Add(this); }
            return;
        }
        _owned?.Dispose();
    }

    internal static Floats Of(View v) => new(Memory(v), v.Offset, v.Length);

    /// <summary>Doubles, each in the room of two floats, from an even one on.</summary>
    internal static ArrayView<double> DoublesOf(View v) => new(Memory(v), v.Offset / 2, v.Length / 2);

    /// <summary>As many threads as work, up to what the accelerator holds at once.</summary>
    internal KernelConfig Over(int work) => new(Math.Max(1, Math.Min(_grid, (work + _group - 1) / _group)), _group);

    // a launch holds addresses. To the collector a block is forgotten once they were read from it, and another thread may be given its memory before the launch has gone to the accelerator
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void KeepAlive<K>(in K kernel) where K : struct { }

    private static void KeepAlive(View a, View b = default, View c = default, View d = default)
    {
        GC.KeepAlive(a.Block);
        GC.KeepAlive(b.Block);
        GC.KeepAlive(c.Block);
        GC.KeepAlive(d.Block);
    }

    private static MemoryBuffer1D<float, Stride1D.Dense> Memory(View v) => ((GpuBlock)v.Block).Memory;

    private void Columns<F>(F f, View x, int outer, int n, int inner, int pieces, int piece, View y) where F : unmanaged, IFold
    {
        var team = Teams(outer * pieces * inner, piece, true, out var how);
        Start(how, new ColumnLoop<F> { Formula = f, Team = team, X = Of(x), Y = Of(y), N = n, Inner = inner, Pieces = pieces, Piece = piece });
        KeepAlive(x, y);
    }

    private void Rows<F>(F f, View x, int n, int pieces, int piece, View y) where F : unmanaged, IFold
    {
        var team = Teams(y.Length, Math.Min(n, 4 * Folders), false, out var how);
        Start(how, new RowLoop<F> { Formula = f, Team = team, X = Of(x), Y = Of(y), N = n, Pieces = pieces, Piece = piece, Fours = x.Offset % 4 == 0 && (n % 4 == 0 || x.Length == n) ? 1 : 0 });
        KeepAlive(x, y);
    }

    // 16 bytes: buffers begin on 256
    private static bool Aligned(View v) => v.Offset % 4 == 0 && v.Length % 4 == 0;

    // no four neighbours of the result stand in two rows
    private static bool Runs(in Broadcast how, View y) => how.Sizes[how.Rank - 1] % 4 == 0 && Aligned(y);

    private static ArrayView<Float4> Fours(View v) => new(Memory(v), v.Offset / 4, v.Length / 4);
}

/// <summary>What an accelerator runs for a kernel.</summary>
internal delegate void DeviceKernel<K>(GpuDevice device, in K kernel) where K : struct, IKernel;
