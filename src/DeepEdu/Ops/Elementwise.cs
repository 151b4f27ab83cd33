using DeepEdu.Autograd;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Tensors;

namespace DeepEdu.Ops;

/// <summary>The ways to make an operation of a formula. The shape rule, the kernels of every device and the gradient follow from it.</summary>
public static class Elementwise
{
    /// <summary>y = f(x), value by value. The gradient dy · f′(x) comes from running f on dual numbers.</summary>
    public static Tensor Map<F>(this Tensor x, F f) where F : unmanaged, IMap => x.MapByInput(f, new PullMap<F>(f));

    /// <summary>y = f(x), with a gradient of its own: dx = pull(dy, x).</summary>
    public static Tensor MapByInput<F, P>(this Tensor x, F f, P pull) where F : unmanaged, IMap where P : unmanaged, IZip
    {
        var y = Forward(x, f);
        Tape.For(x)?.AddRecordable(y, (x, dy => Backward(dy, x, pull)));
        return y;
    }

    /// <summary>y = f(x), with a gradient that is cheaper or safer from the result: dx = pull(dy, y).</summary>
    public static Tensor MapByOutput<F, P>(this Tensor x, F f, P pull) where F : unmanaged, IMap where P : unmanaged, IZip
    {
        var y = Forward(x, f);
        Tape.For(x)?.AddRecordable(y, (x, dy => Backward(dy, y, pull)));
        return y;
    }

    /// <summary>y = f(x) for a formula whose derivative is a constant: dx = pull(dy), and neither x nor y is needed.</summary>
    public static Tensor MapLinear<F, P>(this Tensor x, F f, P pull) where F : unmanaged, IMap where P : unmanaged, IMap
    {
        var y = Forward(x, f);
        Tape.For(x)?.AddRecordable(y, (x, dy => dy.MapLinear(pull, pull)));
        return y;
    }

    /// <summary>y = f(x) for a formula without a gradient: comparisons, signs, rounding.</summary>
    public static Tensor MapConstant<F>(this Tensor x, F f) where F : unmanaged, IMap => Forward(x, f);

    /// <summary>y = f(a, b) with NumPy broadcasting. The gradients come from running f on dual numbers.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand; its shape broadcasts with the first's.</param>
    /// <param name="f">The formula.</param>
    /// <param name="op">The operation's name, for errors.</param>
    public static Tensor Zip<F>(this Tensor a, Tensor b, F f, string op) where F : unmanaged, IZip => a.Zip(b, f, new PullA<F>(f), new PullB<F>(f), op);

    /// <summary>y = f(a, b) with broadcasting and gradients of its own: da = pullA(dy, a, b), db = pullB(dy, a, b).</summary>
    public static Tensor Zip<F, PA, PB>(this Tensor a, Tensor b, F f, PA pullA, PB pullB, string op)
        where F : unmanaged, IZip where PA : unmanaged, IZip3 where PB : unmanaged, IZip3
    {
        var y = a.ZipConstant(b, f, op);
        Tape.For(a, b)?.AddRecordable(y,
            (a, dy => dy.Pulled(a, b, pullA, op).SumTo(a.Shape)),
            (b, dy => dy.Pulled(a, b, pullB, op).SumTo(b.Shape)));
        return y;
    }

    /// <summary>y = f(a, b) with broadcasting, without a gradient.</summary>
    public static Tensor ZipConstant<F>(this Tensor a, Tensor b, F f, string op) where F : unmanaged, IZip
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        SameDevice(op, a, b);
        var y = Tensor.Empty(Shape.Broadcast(op, a.Shape, b.Shape), a.Device);
        a.Device.Zip(f, a.View, b.View, y.View, Broadcasting.Plan(op, y.Shape, a.Shape, b.Shape, y.Shape));
        return y;
    }

    /// <summary>y = f(a, b, c) with broadcasting, without a gradient: what gradients are made of.</summary>
    public static Tensor Zip3Constant<F>(this Tensor a, Tensor b, Tensor c, F f, string op) where F : unmanaged, IZip3
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        ArgumentNullException.ThrowIfNull(c);
        SameDevice(op, a, b);
        SameDevice(op, a, c);
        var shape = Shape.Broadcast(op, Shape.Broadcast(op, a.Shape, b.Shape), c.Shape);
        var y = Tensor.Empty(shape, a.Device);
        a.Device.Zip3(f, a.View, b.View, c.View, y.View, Broadcasting.Plan(op, shape, a.Shape, b.Shape, c.Shape));
        return y;
    }

    /// <summary>f(a, b, c) with broadcasting, in a pullback: where that is recorded, it has gradients, by running f on dual numbers.</summary>
    internal static Tensor Pulled<F>(this Tensor a, Tensor b, Tensor c, F f, string op) where F : unmanaged, IZip3
    {
        var y = a.Zip3Constant(b, c, f, op);
        if (Tape.For(a, b, c) is { } tape) { Remember(tape, y, a, b, c, f, op); }
        return y;
    }

    /// <summary>Throws if the tensors live on two devices.</summary>
    public static void SameDevice(string op, Tensor a, Tensor b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (a.Device != b.Device) { ThrowDevices(op, a, b); }
    }

    // the door of every formula of one operand
    private static Tensor Forward<F>(Tensor x, F f) where F : unmanaged, IMap
    {
        ArgumentNullException.ThrowIfNull(x);
        var y = Tensor.Empty(x.Shape, x.Device);
        x.Device.Map(f, x.View, y.View);
        return y;
    }

    /// <summary>pull(dy, at), of one shape, in a pullback: where that is recorded, it has gradients.</summary>
    internal static Tensor Backward<P>(Tensor dy, Tensor at, P pull) where P : unmanaged, IZip
    {
        var dx = Tensor.Empty(dy.Shape, dy.Device);
        dy.Device.Zip(pull, dy.View, at.View, dx.View, Broadcast.Flat(dy.Size));
        if (Tape.For(dy, at) is { } tape) { Remember(tape, dx, dy, at, pull); }
        return dx;
    }

    // a pullback is linear in dy
    private static void Remember<P>(Tape tape, Tensor dx, Tensor dy, Tensor at, P pull) where P : unmanaged, IZip =>
        tape.AddRecordable(dx, (dy, d => Backward(d, at, pull)), (at, d => d * dy * Bent(at, pull)));

    private static Tensor Bent<P>(Tensor at, P pull) where P : unmanaged, IZip
    {
        var y = Forward(at, new Bend<P>(pull));
        Tape.For(at)?.Add(y, (at, d => d * Forward(at, new BendTwice<P>(pull))));
        return y;
    }

    private static void Remember<F>(Tape tape, Tensor y, Tensor a, Tensor b, Tensor c, F f, string op) where F : unmanaged, IZip3
    {
        tape.AddRecordable(y, (a, dy => Slope(dy, a, 0)), (b, dy => Slope(dy, b, 1)), (c, dy => Slope(dy, c, 2)));

        Tensor Slope(Tensor dy, Tensor to, int by) => (dy * a.Sloped(b, c, Partial<F>.By(f, by), op)).SumTo(to.Shape);
    }

    private static Tensor Sloped<F>(this Tensor a, Tensor b, Tensor c, Partial<F> f, string op) where F : unmanaged, IZip3
    {
        var y = a.Zip3Constant(b, c, f, op);
        Tape.For(a, b, c)?.Add(y, (a, dy => Slope(dy, a, 0)), (b, dy => Slope(dy, b, 1)), (c, dy => Slope(dy, c, 2)));
        return y;

        Tensor Slope(Tensor dy, Tensor to, int by) => (dy * a.Zip3Constant(b, c, Partial<Partial<F>>.By(f, by), op)).SumTo(to.Shape);
    }

    private static void ThrowDevices(string op, Tensor a, Tensor b) =>
        throw new InvalidOperationException($"{op}: one tensor {a.Shape} lives on {a.Device.Name}, the other {b.Shape} on {b.Device.Name}; move one of them");
}
