using DeepEdu.Lanes;
using DeepEdu.Memory;

namespace DeepEdu.Devices;

/// <summary>A place where tensors live and formulas run: five loops for all formulas, one door for everything else.
/// The list does not grow when operations do.</summary>
public abstract class Device
{
    /// <summary>The name that printing and errors show, such as "cpu".</summary>
    public abstract string Name { get; }

    /// <summary>The pool that arenas draw from.</summary>
    public abstract Pool Pool { get; }

    /// <summary>Memory for <paramref name="length"/> floats, of the current arena or, outside any, of the garbage collector. Its content is undefined.</summary>
    public abstract Block Allocate(int length);

    /// <summary>Memory that outlives every arena: parameters, optimiser state, running statistics. Its content is undefined.</summary>
    public abstract Block AllocatePersistent(int length);

    /// <summary>Copies host values to the device.</summary>
    public abstract void Write(ReadOnlySpan<float> from, View to);

    /// <summary>Copies device values to the host; waits until they are there.</summary>
    public abstract void Read(View from, Span<float> to);

    /// <summary>Copies within the device.</summary>
    public abstract void Copy(View from, View to);

    /// <summary>Sets every value.</summary>
    public abstract void Fill(View to, float value);

    /// <summary>y = f(x), value by value. x and y may be the same memory.</summary>
    public abstract void Map<F>(F f, View x, View y) where F : unmanaged, IMap;

    /// <summary>y = f(a, b) with broadcasting.</summary>
    public abstract void Zip<F>(F f, View a, View b, View y, in Broadcast how) where F : unmanaged, IZip;

    /// <summary>y = f(a, b, c) with broadcasting.</summary>
    public abstract void Zip3<F>(F f, View a, View b, View c, View y, in Broadcast how) where F : unmanaged, IZip3;

    /// <summary>Folds the middle axis of x [outer, n, inner] into y [outer, inner].</summary>
    public abstract void Fold<F>(F f, View x, int outer, int n, int inner, View y) where F : unmanaged, IFold;

    /// <summary>Steps w [n] and its statistics in place by the gradient g [n]. Statistics that the formula does not use are <c>default</c>.</summary>
    public abstract void Update<F>(F f, View w, View g, View s1, View s2, View s3) where F : unmanaged, IUpdate;

    /// <summary>Anything that is not one of the five loops: matrix products, gathers, fused layers.</summary>
    public abstract void Launch<K>(in K kernel) where K : struct, IKernel;

    /// <summary>Whether a kernel has a body here. Operations that are other operations too take that way where it has none; the rest is launched all the same.</summary>
    internal virtual bool Has<K>() where K : struct, IKernel => true;

    /// <summary>Waits until everything launched has run.</summary>
    public virtual void Synchronize() { }

    /// <summary>From here to <see cref="EndUpdates"/> this thread's updates are of different memory: a device may make several at once.</summary>
    internal virtual void BeginUpdates() { }

    /// <summary>Every update is under way.</summary>
    internal virtual void EndUpdates() { }

    /// <summary>A step is over: what a device has only collected so far begins to run. Waits for nothing.</summary>
    internal virtual void EndStep() { }
}
