using System.Diagnostics.CodeAnalysis;
using DeepEdu.Lanes;
using DeepEdu.Memory;

namespace DeepEdu.Devices;

/// <summary>The processor: each loop runs the formula at the widest SIMD width there is and finishes with narrower ones, on all threads.</summary>
public sealed partial class CpuDevice : Device
{
    // a chunk of 16 Ki floats is 64 KiB: it stays in the second-level cache, and handing it over costs far less than computing it
    internal const int Grain = 16 * 1024;

    // floats of an array that the garbage collector does not move anyway, so that it may as well begin with a cache line
    private const int LargeObject = 85_000 / sizeof(float);

    private readonly Pool _pool = new((home, n) => new CpuBlock(n, pinned: true) { Home = home });

    private CpuDevice() { }

    /// <summary>The only one.</summary>
    public static CpuDevice Instance { get; } = new();

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    public override Pool Pool => _pool;

    /// <summary>The memory of a view.</summary>
    /// <exception cref="InvalidOperationException">The view is of another device's memory.</exception>
    public static Span<float> Of(View v)
    {
        if (v.Block is CpuBlock block) { return block.Span.Slice(v.Offset, v.Length); }
        if (!v.IsNone) { ThrowElsewhere(); }
        return default;
    }

    /// <inheritdoc/>
    public override Block Allocate(int length)
    {
        if (Arena.Current is not { } arena) { return new CpuBlock(length, pinned: length >= LargeObject); }
        var block = Recording.Current is { } recording ? recording.Allocate(length) : _pool.Rent(length);
        arena.Own(block);
        return block;
    }

    /// <inheritdoc/>
    public override Block AllocatePersistent(int length) => new CpuBlock(length, pinned: true);

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<float> from, View to)
    {
        Recording.Current?.OnHostAccess(to.Block);
        to.Block.Changes();
        using var watch = Profiler.Begin("write", to.Length);
        from.CopyTo(Of(to));
    }

    /// <inheritdoc/>
    public override void Read(View from, Span<float> to)
    {
        if (Recording.Current is not null) { Recording.ThrowHost(); }
        using var watch = Profiler.Begin("read", from.Length);
        Of(from).CopyTo(to);
    }

    /// <inheritdoc/>
    public override void Copy(View from, View to)
    {
        if (Recording.Current is { } recording) { recording.Run(new Recording.Copy(from, to)); return; }
        to.Block.Changes();
        using var watch = Profiler.Begin("copy", to.Length);
        Of(from).CopyTo(Of(to));
    }

    /// <inheritdoc/>
    public override void Fill(View to, float value)
    {
        if (Recording.Current is { } recording) { recording.Run(new Recording.Fill(to, value)); return; }
        to.Block.Changes();
        using var watch = Profiler.Begin("fill", to.Length);
        Of(to).Fill(value);
    }

    /// <inheritdoc/>
    public override void Launch<K>(in K kernel)
    {
        if (Recording.Current is { } recording) { recording.Run(new Recording.Launch<K>(kernel)); return; }
        using var watch = Profiler.Begin(in kernel);
        kernel.Run();
    }

    [DoesNotReturn]
    private static void ThrowElsewhere() => throw new InvalidOperationException("cpu-device: the view lies in another device's memory; copy its tensor with To(CpuDevice.Instance), or read it with its device's Read");
}
