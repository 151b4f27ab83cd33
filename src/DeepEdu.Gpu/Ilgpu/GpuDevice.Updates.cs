using DeepEdu.Devices;
using DeepEdu.Lanes;
using ILGPU;

namespace DeepEdu.Gpu;

/// <content>An optimiser's step: up to eight parameters with one launch.</content>
public sealed partial class GpuDevice
{
    // what this thread has not launched yet; other launches go behind it
    [ThreadStatic]
    private static Updates? t_updates;

    internal override void BeginUpdates() => t_updates = new(this);

    internal override void EndUpdates()
    {
        var updates = t_updates;
        t_updates = null; // also where the launch fails
        updates?.Launch();
    }

    /// <inheritdoc/>
    public override void Update<F>(F f, View w, View g, View s1, View s2, View s3)
    {
        if (w.Length == 0) { return; }
        var target = Target<F>(w, g, s1, s2, s3);
        if (t_updates is { } updates && updates.Device == this) { updates.Add(f, target, [w, g, s1, s2, s3]); }
        else { Start(Threads(target), new UpdateLoop<F> { Formula = f, Target = target, States = F.States }); }
        KeepAlive(w, g, s1, s2);
        KeepAlive(s3);
    }

    /// <summary>What a formula's steps touch.</summary>
    internal static UpdateTarget Target<F>(View w, View g, View s1, View s2, View s3) where F : unmanaged, IUpdate
    {
        if (F.States < 1) { s1 = w; }
        if (F.States < 2) { s2 = w; }
        if (F.States < 3) { s3 = w; }
        return new() { W = Of(w), G = Of(g), S1 = Of(s1), S2 = Of(s2), S3 = Of(s3), Fours = (w.Offset | g.Offset | s1.Offset | s2.Offset | s3.Offset) % 4 == 0 ? 1 : 0 };
    }

    private static long Threads(in UpdateTarget target) => target.Fours != 0 ? (target.W.Length + 3) / 4 : target.W.Length;

    private static void LaunchUpdates()
    {
        if (t_updates is { } updates) { updates.Launch(); }
    }

    /// <summary>Updates that wait for more of their kind.</summary>
    private sealed class Updates(GpuDevice device)
    {
        private Waiting? _waiting;

        public GpuDevice Device => device;

        public void Add<F>(F f, in UpdateTarget target, ReadOnlySpan<View> views) where F : unmanaged, IUpdate
        {
            if (_waiting is not Waiting<F> same || !same.Takes(f))
            {
                Launch();
                _waiting = same = new(f);
            }
            same.Add(target, views, Math.Max(1, Math.Min(device._grid, (target.W.IntLength + 1023) / 1024)));
        }

        public void Launch()
        {
            var waiting = _waiting;
            _waiting = null;
            waiting?.Launch(device);
        }
    }

    private abstract class Waiting
    {
        public abstract void Launch(GpuDevice device);
    }

    private sealed class Waiting<F>(F f) : Waiting where F : unmanaged, IUpdate
    {
        private const int Views = 5;

        private UpdateManyLoop<F> _kernel = new() { Formula = f, States = F.States };
        private readonly View[] _views = new View[UpdateManyLoop<F>.Most * Views];
        private int _count, _groups;

        // field by field: the bytes of a formula without numbers, and those between fields, hold anything
        public bool Takes(F other) => _count < UpdateManyLoop<F>.Most && EqualityComparer<F>.Default.Equals(f, other);

        public void Add(in UpdateTarget target, ReadOnlySpan<View> views, int groups)
        {
            views.CopyTo(_views.AsSpan(_count * Views)); // the targets hold addresses, these the blocks
            _groups += groups;
            // what is not there begins behind the last group
            for (int i = _count; i < UpdateManyLoop<F>.Most; i++) { _kernel.Set(i, target, i == _count ? _groups - groups : int.MaxValue); }
            _count++;
            _kernel.Groups = _groups;
        }

        public override void Launch(GpuDevice device)
        {
            if (_count == 1) { device.Start(Threads(_kernel.First), new UpdateLoop<F> { Formula = f, Target = _kernel.First, States = F.States }); }
            else { device.Start(new KernelConfig(_groups, device._group), _kernel); }
            GC.KeepAlive(_views);
        }
    }
}
