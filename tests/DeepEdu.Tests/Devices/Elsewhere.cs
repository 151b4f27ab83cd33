using DeepEdu.Devices;
using DeepEdu.Memory;

namespace DeepEdu.Tests.Devices;

/// <summary>The CPU under another name.</summary>
internal sealed class Elsewhere : Device
{
    private static readonly CpuDevice s_cpu = CpuDevice.Instance;

    public override string Name => "elsewhere";

    public override Pool Pool => s_cpu.Pool;

    public override Block Allocate(int length) => s_cpu.Allocate(length);

    /// <summary>How often memory was asked for that outlives every arena.</summary>
    public int Persistent { get; private set; }

    public override Block AllocatePersistent(int length)
    {
        Persistent++;
        return s_cpu.AllocatePersistent(length);
    }

    public override void Write(ReadOnlySpan<float> from, View to) => s_cpu.Write(from, to);

    public override void Read(View from, Span<float> to) => s_cpu.Read(from, to);

    public override void Copy(View from, View to) => s_cpu.Copy(from, to);

    public override void Fill(View to, float value) => s_cpu.Fill(to, value);

    public override void Map<F>(F f, View x, View y) => s_cpu.Map(f, x, y);

    public override void Zip<F>(F f, View a, View b, View y, in Broadcast how) => s_cpu.Zip(f, a, b, y, how);

    public override void Zip3<F>(F f, View a, View b, View c, View y, in Broadcast how) => s_cpu.Zip3(f, a, b, c, y, how);

    public override void Fold<F>(F f, View x, int outer, int n, int inner, View y) => s_cpu.Fold(f, x, outer, n, inner, y);

    public override void Update<F>(F f, View w, View g, View s1, View s2, View s3) => s_cpu.Update(f, w, g, s1, s2, s3);

    public override void Launch<K>(in K kernel) => s_cpu.Launch(kernel);
}
