using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Gpu;

/// <summary>What stands here when the package was built without ILGPU: the same words, no accelerator, and the reason. There is no object of it.</summary>
public sealed class GpuDevice : Device, IDisposable
{
    private const string Reason = "built without ILGPU; build with -p:EnableIlgpu=true (and -p:IlgpuFeed=FOLDER for a folder of packages)";

    private GpuDevice() { }

    /// <summary>Whether ILGPU is in this build.</summary>
    public static bool IsBuilt => false;

    /// <summary>Through what it is reached.</summary>
    public string Kind => throw None();

    /// <inheritdoc/>
    public override string Name => throw None();

    /// <inheritdoc/>
    public override Pool Pool => throw None();

    /// <summary>Bytes that tensors hold.</summary>
    public long LiveBytes => throw None();

    /// <summary>Bytes that wait for the next tensor.</summary>
    public long CachedBytes => throw None();

    /// <summary>The most bytes that were taken at one time.</summary>
    public long PeakBytes => throw None();

    /// <summary>The most bytes to take.</summary>
    public long MemoryLimit { get => throw None(); set => throw None(); }

    /// <summary>How often the host has waited.</summary>
    public long HostWaits => throw None();

    /// <summary>How exactly matrix products are made.</summary>
    public MatMulPrecision MatMulPrecision { get => throw None(); set => throw None(); }

    /// <summary>Whether there are tensor cores.</summary>
    public bool HasTensorCores => throw None();

    /// <summary>Whether work goes to the accelerator as graphs.</summary>
    public bool Graphs { get => throw None(); set => throw None(); }

    /// <summary>Whether all steps of a recurrent layer are one launch.</summary>
    public bool PersistentRecurrence { get => throw None(); set => throw None(); }

    /// <summary>Whether an operation without a kernel throws.</summary>
    public bool Strict { get => throw None(); set => throw None(); }

    /// <summary>Told of operations that run on the processor.</summary>
    public Action<string> Log { get => throw None(); set => throw None(); }

    /// <summary>Every accelerator that was looked for, with why it is usable or not.</summary>
    public static IReadOnlyList<GpuInfo> Doctor() => [new("ilgpu", "none", Reason)];

    /// <summary>The usable accelerators: none.</summary>
    public static IReadOnlyList<GpuDevice> All() => [];

    /// <summary>The fastest accelerator: there is none.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public static GpuDevice Best() => throw None();

    /// <summary>ILGPU's accelerator on the processor: it is not there either.</summary>
    /// <exception cref="NotSupportedException">Always.</exception>
    public static GpuDevice Simulated() => throw None();

    /// <summary>Gives memory that waits back.</summary>
    public void EmptyCache() => throw None();

    /// <summary>Begins to look for the peak anew.</summary>
    public void ResetPeak() => throw None();

    /// <summary>The memory in one line.</summary>
    public string MemoryReport() => throw None();

    /// <summary>The launches in one line.</summary>
    public string LaunchReport() => throw None();

    /// <inheritdoc/>
    public override Block Allocate(int length) => throw None();

    /// <inheritdoc/>
    public override Block AllocatePersistent(int length) => throw None();

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<float> from, View to) => throw None();

    /// <inheritdoc/>
    public override void Read(View from, Span<float> to) => throw None();

    /// <inheritdoc/>
    public override void Copy(View from, View to) => throw None();

    /// <inheritdoc/>
    public override void Fill(View to, float value) => throw None();

    /// <inheritdoc/>
    public override void Map<F>(F f, View x, View y) => throw None();

    /// <inheritdoc/>
    public override void Zip<F>(F f, View a, View b, View y, in Broadcast how) => throw None();

    /// <inheritdoc/>
    public override void Zip3<F>(F f, View a, View b, View c, View y, in Broadcast how) => throw None();

    /// <inheritdoc/>
    public override void Fold<F>(F f, View x, int outer, int n, int inner, View y) => throw None();

    /// <inheritdoc/>
    public override void Update<F>(F f, View w, View g, View s1, View s2, View s3) => throw None();

    /// <inheritdoc/>
    public override void Launch<K>(in K kernel) => throw None();

    /// <inheritdoc/>
    public override void Synchronize() => throw None();

    /// <summary>Lets go of nothing.</summary>
    public void Dispose() => GC.SuppressFinalize(this);

    private static NotSupportedException None() => new($"gpu: {Reason}");
}
