using DeepEdu.Lanes;

namespace DeepEdu.Io;

/// <summary>A lane that computes nothing: an operation on it adds a node to a graph. So a formula, also one of a user's own, becomes the nodes that compute it.</summary>
internal readonly struct OnnxLane : ILane<OnnxLane>
{
    private readonly OnnxGraph? _graph;
    private readonly string? _name;
    private readonly float _constant;

    private OnnxLane(float constant) => _constant = constant;

    public OnnxLane(OnnxGraph graph, string name) => (_graph, _name) = (graph, name);

    /// <summary>The value's name; a constant becomes one of the graph.</summary>
    public string In(OnnxGraph graph) => _name ?? graph.Scalar(_constant);

    /// <summary>The number, if it is one.</summary>
    public float? Constant => _name is null ? _constant : null;

    public static OnnxLane Of(float c) => new(c);

    public static implicit operator OnnxLane(float c) => new(c);

    public static OnnxLane operator +(OnnxLane a, OnnxLane b) => a.Is(0) ? b : b.Is(0) ? a : Two("Add", a, b, static (x, y) => x + y);

    public static OnnxLane operator -(OnnxLane a, OnnxLane b) => b.Is(0) ? a : Two("Sub", a, b, static (x, y) => x - y);

    public static OnnxLane operator *(OnnxLane a, OnnxLane b) => a.Is(1) ? b : b.Is(1) ? a : Two("Mul", a, b, static (x, y) => x * y);

    public static OnnxLane operator /(OnnxLane a, OnnxLane b) => b.Is(1) ? a : Two("Div", a, b, static (x, y) => x / y);

    public static OnnxLane operator -(OnnxLane x) => One("Neg", x, static v => -v);

    public static OnnxLane MultiplyAdd(OnnxLane a, OnnxLane b, OnnxLane c) => (a * b) + c;

    public static OnnxLane Min(OnnxLane a, OnnxLane b) => a.Is(float.PositiveInfinity) ? b : Two("Min", a, b, MathF.Min);

    public static OnnxLane Max(OnnxLane a, OnnxLane b) => a.Is(float.NegativeInfinity) ? b : b.Is(0) && a._name is not null ? One("Relu", a, static v => v) : Two("Max", a, b, MathF.Max);

    public static OnnxLane AtMost(OnnxLane x, OnnxLane high) => Min(x, high);

    public static OnnxLane Abs(OnnxLane x) => One("Abs", x, MathF.Abs);

    public static OnnxLane Floor(OnnxLane x) => One("Floor", x, MathF.Floor);

    public static OnnxLane Sqrt(OnnxLane x) => One("Sqrt", x, MathF.Sqrt);

    public static OnnxLane Exp(OnnxLane x) => One("Exp", x, MathF.Exp);

    public static OnnxLane Log(OnnxLane x) => One("Log", x, MathF.Log);

    public static OnnxLane Tanh(OnnxLane x) => One("Tanh", x, MathF.Tanh);

    public static OnnxLane Sigmoid(OnnxLane x) => One("Sigmoid", x, static v => F1.Sigmoid(v).V);

    public static OnnxLane Erf(OnnxLane x) => One("Erf", x, static v => F1.Erf(v).V);

    public static OnnxLane NormalTail(OnnxLane x) => 0.5f * (1f - Erf(0.707106781f * Abs(x)));

    public static OnnxLane Sin(OnnxLane x) => One("Sin", x, MathF.Sin);

    public static OnnxLane Cos(OnnxLane x) => One("Cos", x, MathF.Cos);

    public static OnnxLane WhereGreater(OnnxLane a, OnnxLane b, OnnxLane yes, OnnxLane no) => Where("Greater", a, b, yes, no, static (x, y) => x > y);

    public static OnnxLane WhereGreaterOrEqual(OnnxLane a, OnnxLane b, OnnxLane yes, OnnxLane no) => Where("GreaterOrEqual", a, b, yes, no, static (x, y) => x >= y);

    public static OnnxLane WhereEqual(OnnxLane a, OnnxLane b, OnnxLane yes, OnnxLane no) => Where("Equal", a, b, yes, no, static (x, y) => x == y);

    private bool Is(float c) => _name is null && BitConverter.SingleToInt32Bits(_constant) == BitConverter.SingleToInt32Bits(c);

    private static OnnxLane One(string kind, OnnxLane x, Func<float, float> compute) => x._graph is not { } g ? new(compute(x._constant)) : new(g, g.Add(kind, [x._name!]));

    private static OnnxLane Two(string kind, OnnxLane a, OnnxLane b, Func<float, float, float> compute) =>
        (a._graph ?? b._graph) is not { } g ? new(compute(a._constant, b._constant)) : new(g, g.Add(kind, [a.In(g), b.In(g)]));

    private static OnnxLane Where(string kind, OnnxLane a, OnnxLane b, OnnxLane yes, OnnxLane no, Func<float, float, bool> compute)
    {
        if ((a._graph ?? b._graph) is not { } g) { return compute(a._constant, b._constant) ? yes : no; }
        string condition = g.Add(kind, [a.In(g), b.In(g)]);
        if (yes.Is(1) && no.Is(0)) { return new(g, g.Add("Cast", [condition], ("to", 1))); }
        if (yes.Is(0) && no.Is(1)) { return new(g, g.Add("Cast", [g.Add("Not", [condition])], ("to", 1))); }
        return new(g, g.Add("Where", [condition, yes.In(g), no.In(g)]));
    }
}
