using System.Runtime.InteropServices;

namespace DeepEdu.Gpu.Tests.Cuda;

/// <summary>One block after another of a launch, or one of many that wait for each other: its warps in turn from barrier to barrier, its shared memory, and what may be said about memory that it touches.</summary>
internal sealed unsafe partial class BlockRun : IDisposable
{
    // a kernel that goes on for longer has lost its way
    private const long MostSteps = 1L << 33;

    private readonly KernelCode _code;
    private readonly Launched _launch;
    private readonly int _owner;
    private readonly Warp[] _warps;
    private readonly GCHandle _arguments;
    private long _steps;
    private int _x, _y, _z;

    /// <param name="code">The kernel.</param>
    /// <param name="launch">Its launch.</param>
    /// <param name="owner">Whose memory it may touch.</param>
    /// <param name="grid">What blocks that wait for each other know of each other, or null.</param>
    public BlockRun(KernelCode code, Launched launch, int owner, GridRun? grid = null)
    {
        (_code, _launch, _owner, _grid) = (code, launch, owner, grid);
        _arguments = GCHandle.Alloc(launch.Arguments, GCHandleType.Pinned);
        Arguments = (byte*)_arguments.AddrOfPinnedObject();
        int threads = launch.Block.X * launch.Block.Y * launch.Block.Z;
        _sharedBytes = code.SharedBytes + launch.SharedBytes;
        BeginShared();
        _warps = [.. Enumerable.Range(0, (threads + 31) / 32).Select(w => new Warp(code, this, w))];
        BeginGlobal();
    }

    /// <summary>What takes note of its accesses, if anybody wants to know.</summary>
    public Traffic? Traffic { get; init; }

    /// <summary>The bytes of the arguments.</summary>
    public byte* Arguments { get; }

    public int ArgumentBytes => _launch.Arguments.Length;

    /// <summary>Instructions of warps that were done.</summary>
    public long Steps => _steps;

    /// <summary>Runs a block to its end.</summary>
    public void Run(int x, int y, int z)
    {
        Begin(x, y, z);
        while (!GoOn()) { }
    }

    /// <summary>A block from its beginning.</summary>
    public void Begin(int x, int y, int z)
    {
        (_x, _y, _z) = (x, y, z);
        NewBlock();
        int threads = _launch.Block.X * _launch.Block.Y * _launch.Block.Z;
        foreach (var warp in _warps)
        {
            warp.Begin(threads - (warp.Number * 32));
            FillSpecial(warp);
        }
    }

    /// <summary>Runs it to its end, which is true, or until its warps look at what other blocks write or wait for those that do.</summary>
    public bool GoOn()
    {
        for (; ; )
        {
            Warp? waits = null, done = null;
            bool looks = false;
            foreach (var warp in _warps)
            {
                if (!warp.IsAtBarrier && !warp.IsDone) { _steps += warp.Run(); }
                if (_steps > MostSteps) { throw Fault(warp, _code.Instructions[0], 0, $"more than {MostSteps:n0} steps"); }
                if (warp.IsLooking)
                {
                    looks = true;
                    continue;
                }
                if (warp.IsAtBarrier) { waits ??= warp; } else { done ??= warp; }
                if (waits is not null && waits.IsAtBarrier && warp.IsAtBarrier && warp.Barrier!.Offset != waits.Barrier!.Offset)
                {
                    throw Fault(warp, warp.Barrier, 0, $"waits at barrier {warp.Barrier.Offset}, warp {waits.Number} at barrier {waits.Barrier.Offset}");
                }
            }
            if (looks) { return false; }
            if (waits is null) { return true; }
            if (done is not null) { throw Fault(waits, waits.Barrier!, 0, $"{waits.Barrier!.Text.Name} is not reached by all threads: warp {done.Number} has returned"); }
            foreach (var warp in _warps) { warp.Release(); }
            NewInterval();
        }
    }

    /// <summary>An error with its place.</summary>
    public KernelFault Fault(Warp warp, Instruction i, int lane, string what, int error = KernelFault.LaunchFailed)
    {
        int t = (warp.Number * 32) + lane, w = _launch.Block.X, h = _launch.Block.Y;
        return new(error, $"{_code.Name}: line {i.Text.Line}: {i.Text}: block ({_x}, {_y}, {_z}), thread ({t % w}, {t / w % h}, {t / w / h}): {what}");
    }

    /// <summary>Counts on while a warp runs.</summary>
    public void CountSteps(Warp warp, Instruction i, int steps)
    {
        if (_steps + steps > MostSteps || (_long += steps) > MostSteps) { throw Fault(warp, i, warp.Lane(), $"more than {MostSteps:n0} steps"); }
    }

    private long _long;

    public void Dispose()
    {
        foreach (var warp in _warps) { warp.Free(); }
        _arguments.Free();
        FreeShared();
    }

    // %tid and the others are registers that are filled before the first instruction
    private void FillSpecial(Warp warp)
    {
        var (gx, gy, gz) = _launch.Grid;
        var (bx, by, bz) = _launch.Block;
        foreach (var (name, at) in _code.Special)
        {
            uint* r = (uint*)(warp.R + at);
            for (int lane = 0; lane < 32; lane++)
            {
                int t = (warp.Number * 32) + lane;
                r[lane] = name switch
                {
                    "%tid.x" => (uint)(t % bx),
                    "%tid.y" => (uint)(t / bx % by),
                    "%tid.z" => (uint)(t / bx / by),
                    "%ntid.x" => (uint)bx,
                    "%ntid.y" => (uint)by,
                    "%ntid.z" => (uint)bz,
                    "%ctaid.x" => (uint)_x,
                    "%ctaid.y" => (uint)_y,
                    "%ctaid.z" => (uint)_z,
                    "%nctaid.x" => (uint)gx,
                    "%nctaid.y" => (uint)gy,
                    "%nctaid.z" => (uint)gz,
                    "%laneid" => (uint)lane,
                    "%warpid" => (uint)warp.Number,
                    _ => throw new FormatException($"{name} is not emulated"),
                };
            }
        }
    }
}
