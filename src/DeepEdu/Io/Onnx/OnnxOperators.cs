using System.Collections.Frozen;
using DeepEdu.Devices;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>ONNX's operators in the library's words, as their text says it (github.com/onnx/onnx, docs/Operators.md), of all versions of each. What numbers on the host can answer stays there.</summary>
internal static partial class OnnxOperators
{
    private static readonly FrozenDictionary<string, Func<OnnxCall, OnnxCell[]>> s_all = All().ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The names of all.</summary>
    public static IEnumerable<string> Names => s_all.Keys;

    public static Func<OnnxCall, OnnxCell[]>? Find(OnnxProtoNode node) => node.Domain.Length == 0 ? s_all.GetValueOrDefault(node.Op) : null;

    private static Dictionary<string, Func<OnnxCall, OnnxCell[]>> All()
    {
        Dictionary<string, Func<OnnxCall, OnnxCell[]>> all = new(StringComparer.Ordinal);
        foreach (var part in (ReadOnlySpan<(string, Func<OnnxCall, OnnxCell>)[]>)[Functions(), Pairs(), Truths(), Moves(), LookUps(), Folds(), Products(), Images(), Norms()])
        {
            foreach (var (name, run) in part) { all.Add(name, c => [run(c)]); }
        }
        foreach (var (name, run) in Several()) { all.Add(name, run); }
        return all;
    }

    private static (string, Func<OnnxCall, OnnxCell[]>)[] Several() =>
    [
        ("Split", Split),
        ("TopK", TopK),
        ("Dropout", Dropout),
        ("BatchNormalization", BatchNorm),
        ("MaxPool", c => [MaxPool(c)]),
        ("LSTM", Lstm),
        ("GRU", Gru),
        ("RNN", Rnn),
    ];

    private static OnnxCell[] Dropout(OnnxCall c) => c.Has(2) && c[2].Host.Values[0] != 0 ? throw c.Lacks("training_mode") : [c[0], new(Ones(c[0].Shape, OnnxKind.Truth))];

    private static OnnxHost Ones(Shape shape, OnnxKind kind)
    {
        double[] all = new double[OnnxHost.Count(shape.Sizes)];
        Array.Fill(all, 1);
        return new([.. shape], all, kind);
    }

    // functions of one value
    private static (string, Func<OnnxCall, OnnxCell>)[] Functions() =>
    [
        One("Abs", Math.Abs, x => x.Abs()),
        One("Neg", v => -v, x => -x),
        One("Ceil", Math.Ceiling, x => x.Ceil()),
        One("Floor", Math.Floor, x => x.Floor()),
        One("Round", v => Math.Round(v, MidpointRounding.ToEven), x => x.Round()),
        One("Sign", v => double.IsNaN(v) ? v : Math.Sign(v), x => x.Sign()),
        One("Sqrt", Math.Sqrt, x => x.Sqrt()),
        One("Reciprocal", v => 1 / v, x => x.Reciprocal()),
        One("Exp", Math.Exp, x => x.Exp()),
        One("Log", Math.Log, x => x.Log()),
        One("Sin", Math.Sin, x => x.Sin()),
        One("Cos", Math.Cos, x => x.Cos()),
        One("Tan", Math.Tan, x => x.Tan()),
        One("Tanh", Math.Tanh, x => x.Tanh()),
        Plain("Asin", x => x.Asin()), Plain("Acos", x => x.Acos()), Plain("Atan", x => x.Atan()), Plain("Sinh", x => x.Sinh()), Plain("Cosh", x => x.Cosh()),
        Plain("Asinh", x => x.Asinh()), Plain("Acosh", x => x.Acosh()), Plain("Atanh", x => x.Atanh()), Plain("Erf", x => x.Erf()),
        Plain("Sigmoid", x => x.Sigmoid()), Plain("Relu", x => x.Relu()), Plain("Softsign", x => x.Softsign()), Plain("Mish", x => x.Mish()), Plain("HardSwish", x => x.HardSwish()),
        Plain("Softplus", x => x.Softplus()),
        ("Gelu", c => new(c.X().Gelu(c.Text("approximate", "none") == "tanh"))),
        ("LeakyRelu", c => new(c.X().LeakyRelu(c.Float("alpha", 0.01f)))),
        ("Elu", c => new(c.X().Elu(c.Float("alpha", 1)))),
        ("Celu", c => new(c.X().Celu(c.Float("alpha", 1)))),
        ("Selu", Selu),
        ("ThresholdedRelu", c => new(c.X().MaskedFill(c.X().LessOrEqual(c.Float("alpha", 1)), 0))),
        ("HardSigmoid", c => new(((c.X() * c.Float("alpha", 0.2f)) + c.Float("beta", 0.5f)).Clamp(0, 1))),
        ("PRelu", c => new(Prelu(c.X(), c.X(1)))),
        ("Clip", Clip),
        ("Shrink", Shrink),
        ("Identity", c => c[0]),
        ("Cast", Cast),
        ("CastLike", c => To(c, c[0], c[1].Kind)),
        ("Softmax", c => AlongAxis(c, (x, axis) => x.Softmax(axis))),
        ("LogSoftmax", c => AlongAxis(c, (x, axis) => x.LogSoftmax(axis))),
        ("CumSum", CumSum),
        ("DequantizeLinear", c => new((c.X() - (c.Has(2) ? Scale(c, 2) : Tensor.Scalar(0, c.Device))) * Scale(c, 1))),
        ("QuantizeLinear", Quantize),
    ];

    private static (string, Func<OnnxCall, OnnxCell>) One(string name, Func<double, double> host, Func<Tensor, Tensor> f) => (name, c => c[0].IsHost ? new(c[0].Host.Map(host)) : new(f(c.X()), c[0].Kind));

    private static (string, Func<OnnxCall, OnnxCell>) Plain(string name, Func<Tensor, Tensor> f) => (name, c => new(f(c.X())));

    private static OnnxCell Selu(OnnxCall c)
    {
        float alpha = c.Float("alpha", 1.67326319f), gamma = c.Float("gamma", 1.05070102f);
        return new(gamma == 1.05070102f && alpha == 1.67326319f ? c.X().Selu() : c.X().Elu(alpha) * gamma);
    }

    private static OnnxCell Shrink(OnnxCall c)
    {
        var x = c.X();
        float limit = c.Float("lambd", 0.5f), bias = c.Float("bias");
        return new((x + bias).MaskedFill(x.GreaterOrEqual(-limit), 0) + (x - bias).MaskedFill(x.LessOrEqual(limit), 0));
    }

    // one slope for all, one a channel (axis 1), or whatever else broadcasts
    private static Tensor Prelu(Tensor x, Tensor slope)
    {
        bool channels = x.Rank > 1 && slope.Size == x.Shape[1] && slope.Rank >= x.Rank - 1 && slope.Shape[^(x.Rank - 1)] == slope.Size;
        return slope.Size == 1 || channels ? x.Prelu(slope.Reshape(slope.Size)) : x.Relu() - (slope * (-x).Relu());
    }

    private static OnnxCell Clip(OnnxCall c)
    {
        if (c[0].IsHost)
        {
            double low = c.Has(1) ? c[1].Host.Values[0] : c.Float("min", float.NegativeInfinity), high = c.Has(2) ? c[2].Host.Values[0] : c.Float("max", float.PositiveInfinity);
            return new(c[0].Host.Map(v => Math.Min(Math.Max(v, low), high)));
        }
        var x = c.X();
        // limits that are computed are tensors
        if (c.Has(1) && c[1].Known is null) { x = Tensor.Maximum(x, c.X(1)); }
        if (c.Has(2) && c[2].Known is null) { x = Tensor.Minimum(x, c.X(2)); }
        float min = c.Has(1) ? c[1].Known ?? float.NegativeInfinity : c.Float("min", float.NegativeInfinity), max = c.Has(2) ? c[2].Known ?? float.PositiveInfinity : c.Float("max", float.PositiveInfinity);
        if (min > max) { x = Tensor.Maximum(x, Tensor.Scalar(min, c.Device)); } // the upper limit wins
        return new(x.Clamp(Math.Min(min, max), max), c[0].Kind);
    }

    private static OnnxCell Cast(OnnxCall c) => To(c, c[0], OnnxProtoTensor.KindOf((int)c.Int("to", 1)) ?? throw c.Lacks($"type {c.Int("to", 1)}"));

    private static OnnxCell To(OnnxCall c, OnnxCell x, OnnxKind to)
    {
        if (x.Kind == to) { return x; }
        if (to == OnnxKind.Real) { return x.IsHost && !x.IsGiven ? new(x.Host.Map(v => v, to)) : new(x.Tensor(c.Device)); }
        if (to == OnnxKind.Truth) { return x.IsHost ? new(x.Host.Map(v => v != 0 ? 1 : 0, to)) : new(x.Tensor(c.Device).NotEqual(0), to); }
        return x.Kind == OnnxKind.Truth ? x.IsHost ? new(x.Host.Map(v => v, to)) : new(x.Tensor(c.Device), to) // 0 and 1 as they are
            : x.IsHost ? new(x.Host.Map(Math.Truncate, to)) : new(x.Tensor(c.Device).Trunc(), to);
    }

    // before version 13 the axes from the given one on were one
    private static OnnxCell AlongAxis(OnnxCall c, Func<Tensor, int, Tensor> f)
    {
        var x = c.X();
        if (c.Opset >= 13) { return new(f(x, c.Axis(x.Rank, -1))); }
        int axis = c.Axis(x.Rank, 1);
        return axis == x.Rank - 1 ? new(f(x, axis)) : new(f(x.Reshape(x.Shape.Product(0, axis), x.Shape.Product(axis, x.Rank)), 1).Reshape(x.Shape));
    }

    private static OnnxCell CumSum(OnnxCall c)
    {
        bool reverse = c.Int("reverse") == 1, exclusive = c.Int("exclusive") == 1;
        int axis = c.Place((long)c[1].Host.Values[0], c[0].Rank);
        if (c[0].IsHost)
        {
            var x = c[0].Host;
            return new(OnnxHost.Of(x.Shape, x.Kind, at =>
            {
                int[] own = [.. at];
                double sum = 0;
                for (own[axis] = reverse ? x.Shape[axis] - 1 : 0; own[axis] != at[axis]; own[axis] += reverse ? -1 : 1) { sum += x[own]; }
                return exclusive ? sum : sum + x[at];
            }));
        }
        var y = c.X().CumSum(axis, reverse);
        int n = y.Shape[axis];
        if (!exclusive || n == 0) { return new(y, c[0].Kind); }
        // the sum before each: taking it away again would lose what is small beside it
        var widths = new (int, int)[y.Rank];
        widths[axis] = reverse ? (0, 1) : (1, 0);
        return new(y.Narrow(axis, reverse ? 1 : 0, n - 1).Pad(widths), c[0].Kind);
    }

    // one scale for all, or one for each place of an axis
    private static Tensor Scale(OnnxCall c, int i)
    {
        var s = c.X(i);
        if (s.Size == 1) { return s.Reshape([]); }
        int[] shape = [.. Enumerable.Repeat(1, c[0].Rank)];
        shape[c.Axis(c[0].Rank, 1)] = s.Size;
        return s.Reshape([.. shape]);
    }

    // to int8 or uint8, as the zero point is
    private static OnnxCell Quantize(OnnxCall c)
    {
        bool signed = c.Has(2) && (c[2].IsSigned ?? throw c.Lacks("a zero point that is no constant"));
        var y = (c.X() / Scale(c, 1)).Round();
        return new((c.Has(2) ? y + Scale(c, 2) : y).Clamp(signed ? -128 : 0, signed ? 127 : 255), OnnxKind.Whole);
    }

    // functions of two values or more, spread to one shape
    private static (string, Func<OnnxCall, OnnxCell>)[] Pairs() =>
    [
        Two("Add", (a, b) => a + b, (x, y) => x + y, (x, c) => x + c, (c, x) => c + x),
        Two("Sub", (a, b) => a - b, (x, y) => x - y, (x, c) => x - c, (c, x) => c - x),
        Two("Mul", (a, b) => a * b, (x, y) => x * y, (x, c) => x * c, (c, x) => c * x),
        ("Div", Divide),
        ("Pow", Power),
        ("Mod", Modulo),
        ("Max", c => Fold(c, Math.Max, Tensor.Maximum)),
        ("Min", c => Fold(c, Math.Min, Tensor.Minimum)),
        ("Sum", c => Fold(c, (a, b) => a + b, (x, y) => x + y)),
        ("Mean", c => new(Fold(c, (a, b) => a + b, (x, y) => x + y).Tensor(c.Device) / c.Count)),
        ("Where", Where),
    ];

    private static (string, Func<OnnxCall, OnnxCell>) Two(string name, Func<double, double, double> host, Func<Tensor, Tensor, Tensor> f, Func<Tensor, float, Tensor> right, Func<float, Tensor, Tensor> left) =>
        (name, c => Both(c, host, f, right, left));

    private static OnnxCell Both(OnnxCall c, Func<double, double, double> host, Func<Tensor, Tensor, Tensor> f, Func<Tensor, float, Tensor>? right = null, Func<float, Tensor, Tensor>? left = null, OnnxKind? kind = null)
    {
        OnnxCell a = c[0], b = c[1];
        // before version 7 the second operand could stand at an axis of the first
        if (c.Opset < 7 && c.Int("broadcast") == 1 && c.Node.Attributes.ContainsKey("axis")) { b = b.Reshape([.. b.Shape, .. Enumerable.Repeat(1, Math.Max(0, a.Rank - c.Axis(a.Rank, 0) - b.Rank))]); }
        if (a.IsHost && b.IsHost) { return new(OnnxHost.Zip(a.Host, b.Host, host, kind ?? a.Kind)); }
        return right is not null && b.Known is { } n && b.Rank <= a.Rank ? new(right(c.X(), n), kind ?? a.Kind)
            : left is not null && a.Known is { } m && a.Rank <= b.Rank ? new(left(m, c.X(1)), kind ?? a.Kind)
            : new(f(c.X(), b.Tensor(c.Device)), kind ?? a.Kind);
    }

    // whole numbers are divided towards 0
    private static OnnxCell Divide(OnnxCall c) => c[0].Kind == OnnxKind.Real
        ? Both(c, (a, b) => a / b, (x, y) => x / y, (x, n) => x / n, (n, x) => n / x)
        : Both(c, (a, b) => b == 0 ? throw c.Wrong("a whole number is divided by 0") : Math.Truncate(a / b), (x, y) => (x / y).Trunc());

    private static OnnxCell Power(OnnxCall c)
    {
        if (c[0].IsHost && c[1].IsHost) { return new(OnnxHost.Zip(c[0].Host, c[1].Host, Math.Pow, c[0].Kind)); }
        return c[1].Known is { } p && c[1].Rank <= c[0].Rank ? new(p == 2 ? c.X().Square() : p == 0.5f ? c.X().Sqrt() : c.X().Pow(p), c[0].Kind) : new(c.X().Pow(c.X(1)), c[0].Kind);
    }

    // fmod has the sign of the dividend, the other that of the divisor
    private static OnnxCell Modulo(OnnxCall c) => c.Int("fmod") == 1
        ? Both(c, (a, b) => a % b, (x, y) => x - ((x / y).Trunc() * y))
        : Both(c, (a, b) => a - (Math.Floor(a / b) * b), (x, y) => x.Remainder(y), (x, n) => x.Remainder(n));

    private static OnnxCell Fold(OnnxCall c, Func<double, double, double> host, Func<Tensor, Tensor, Tensor> f)
    {
        bool all = true;
        for (int i = 0; i < c.Count; i++) { all &= c[i].IsHost; }
        if (all)
        {
            var h = c[0].Host;
            for (int i = 1; i < c.Count; i++) { h = OnnxHost.Zip(h, c[i].Host, host, h.Kind); }
            return new(h);
        }
        var y = c.X();
        for (int i = 1; i < c.Count; i++) { y = f(y, c.X(i)); }
        return new(y, c[0].Kind);
    }

    private static OnnxCell Where(OnnxCall c)
    {
        if (c[0].IsHost && c[1].IsHost && c[2].IsHost)
        {
            OnnxHost t = c[0].Host, a = c[1].Host, b = c[2].Host;
            return new(OnnxHost.Of([.. Shape.Broadcast("onnx-model", Shape.Broadcast("onnx-model", c[0].Shape, c[1].Shape), c[2].Shape)], a.Kind, at => t.Spread(at) != 0 ? a.Spread(at) : b.Spread(at)));
        }
        return new(Comparisons.Where(c.X(), c.X(1), c.X(2)), c[1].Kind);
    }

    // yes or no
    private static (string, Func<OnnxCall, OnnxCell>)[] Truths() =>
    [
        Ask("Equal", (a, b) => a == b, (x, y) => x.Equal(y)),
        Ask("Greater", (a, b) => a > b, (x, y) => x.Greater(y)),
        Ask("GreaterOrEqual", (a, b) => a >= b, (x, y) => x.GreaterOrEqual(y)),
        Ask("Less", (a, b) => a < b, (x, y) => x.Less(y)),
        Ask("LessOrEqual", (a, b) => a <= b, (x, y) => x.LessOrEqual(y)),
        Ask("And", (a, b) => a != 0 && b != 0, (x, y) => x.LogicalAnd(y)),
        Ask("Or", (a, b) => a != 0 || b != 0, (x, y) => x.LogicalOr(y)),
        Ask("Xor", (a, b) => a != 0 != (b != 0), (x, y) => x.LogicalXor(y)),
        ("Not", c => c[0].IsHost ? new(c[0].Host.Map(v => v == 0 ? 1 : 0)) : new(c.X().LogicalNot(), OnnxKind.Truth)),
        ("IsNaN", c => new(c.X().IsNaN(), OnnxKind.Truth)),
        ("IsInf", IsInf),
    ];

    private static (string, Func<OnnxCall, OnnxCell>) Ask(string name, Func<double, double, bool> host, Func<Tensor, Tensor, Tensor> f) =>
        (name, c => Both(c, (a, b) => host(a, b) ? 1 : 0, f, kind: OnnxKind.Truth));

    private static OnnxCell IsInf(OnnxCall c)
    {
        var x = c.X();
        bool positive = c.Int("detect_positive", 1) == 1, negative = c.Int("detect_negative", 1) == 1;
        return new(positive && negative ? x.IsInf() : positive ? x.Equal(float.PositiveInfinity) : negative ? x.Equal(float.NegativeInfinity) : x.Equal(x) * 0, OnnxKind.Truth);
    }
}
