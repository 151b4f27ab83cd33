using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

/// <summary>Compares the tape's gradient with finite differences.
/// <para>For each input x a random direction v (|vⱼ| in [½, 1]) and one random projection w of the output are drawn; the derivative of φ(t) = ⟨w, f(x + t·v)⟩ at 0,
/// by the fourth-order central difference (8(φ(h) − φ(−h)) − (φ(2h) − φ(−2h))) / 12h, must be ⟨v, ∂φ/∂x⟩ from the tape. φ is added up in double.</para>
/// <para>Values are float32: the difference is rounded to about 10⁻⁷·|f| / h, and off by h⁴·f⁽⁵⁾/30. The default step 1/64 balances the two for functions that
/// change on a scale of one; a kink (of |x|, of ReLU) must lie farther than 2h from every input value.</para></summary>
public static class GradCheck
{
    /// <summary>The step h unless another is given.</summary>
    public const float DefaultStep = 1f / 64;

    /// <summary>The error that <see cref="Check(Func{Tensor[], Tensor}, Tensor[], double, ulong, float, bool)"/> allows unless told otherwise: room for float32 rounding, far below a wrong gradient's error.</summary>
    public const double DefaultTolerance = 2e-3;

    /// <summary>How far the worst input's gradient is from its finite difference.</summary>
    /// <param name="Error">|numeric − tape| relative to the size such a projection has: the largest of both numbers, of ‖g ⊙ v‖₂, and of a thousandth of ‖w ⊙ y‖₂, below which
    /// float32 differences resolve nothing.</param>
    /// <param name="Input">Which input.</param>
    /// <param name="Numeric">The finite difference along the direction.</param>
    /// <param name="Tape">The tape's gradient along the direction.</param>
    public readonly record struct Result(double Error, int Input, double Numeric, double Tape);

    /// <summary>Measures the error of each input's gradient and returns the worst.</summary>
    /// <param name="f">A function of the inputs that gives the same result each time. It may use them through its argument or hold them itself, as a layer holds its parameters.</param>
    /// <param name="inputs">The inputs to differentiate by. Their values are changed during the check and put back.</param>
    /// <param name="seed">Of the random directions.</param>
    /// <param name="step">h.</param>
    /// <param name="training">The <see cref="Tape.Training"/> flag under which f runs.</param>
    /// <exception cref="ArgumentException">There are no inputs.</exception>
    public static Result Run(Func<Tensor[], Tensor> f, Tensor[] inputs, ulong seed = 1, float step = DefaultStep, bool training = true)
    {
        ArgumentNullException.ThrowIfNull(f);
        ArgumentNullException.ThrowIfNull(inputs);
        NullItems.ThrowIfAny<Tensor>(inputs);
        if (inputs.Length == 0) { throw new ArgumentException("gradcheck: there is nothing to differentiate by; has the model no parameters?", nameof(inputs)); }
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(step);
        var rng = new Rng(seed);
        float[] w = [];
        double[] slopes = new double[inputs.Length], sizes = new double[inputs.Length];
        float[][] directions = new float[inputs.Length][];
        double resolution;
        using (var tape = new Tape(training))
        {
            foreach (var x in inputs) { tape.Watch(x); }
            var y = Made(f(inputs));
            w = Direction(rng, y.Size);
            resolution = 1e-3 * SizeOfProducts(w, y.ToArray());
            var gradients = tape.Wants(y) ? tape.Gradients(y, Tensor.Of(y.Shape, w, y.Device)) : null;
            for (int i = 0; i < inputs.Length; i++)
            {
                directions[i] = Direction(rng, inputs[i].Size);
                float[] g = gradients?.Find(inputs[i])?.ToArray() ?? new float[inputs[i].Size];
                (slopes[i], sizes[i]) = (Dot(directions[i], g), SizeOfProducts(directions[i], g));
            }
        }
        var worst = new Result(-1, 0, 0, 0);
        for (int i = 0; i < inputs.Length; i++)
        {
            double numeric = Difference(f, inputs, i, directions[i], w, step, training);
            double size = Math.Max(Math.Max(Math.Abs(numeric), Math.Abs(slopes[i])), Math.Max(sizes[i], resolution));
            double error = size == 0 ? 0 : Math.Abs(numeric - slopes[i]) / size;
            // a NaN is never better than what was found before
            if (!(error <= worst.Error)) { worst = new(double.IsNaN(error) ? double.PositiveInfinity : error, i, numeric, slopes[i]); }
        }
        return worst;
    }

    /// <summary>Throws unless the gradient of every parameter agrees with its finite difference: the proof of a layer or a loss of one's own.
    /// <code>GradCheck.Check(() => model.Forward(x).CrossEntropy(y), model.Parameters());</code></summary>
    /// <exception cref="InvalidOperationException">It does not; the text names the parameter and both numbers.</exception>
    public static void Check(Func<Tensor> f, IReadOnlyList<(string Name, Parameter Value)> parameters, double tolerance = DefaultTolerance, ulong seed = 1, float step = DefaultStep, bool training = true)
    {
        ArgumentNullException.ThrowIfNull(f);
        NullItems.ThrowIfAny(parameters);
        ThrowIfWrong(Run(_ => f(), [.. parameters.Select(p => p.Value)], seed, step, training), i => $"parameter \"{parameters[i].Name}\" {parameters[i].Value.Shape}", tolerance, step);
    }

    /// <summary>Throws unless every input's gradient agrees with its finite difference.</summary>
    /// <exception cref="InvalidOperationException">It does not; the text names the input and both numbers.</exception>
    public static void Check(Func<Tensor[], Tensor> f, Tensor[] inputs, double tolerance = DefaultTolerance, ulong seed = 1, float step = DefaultStep, bool training = true)
    {
        ThrowIfWrong(Run(f, inputs, seed, step, training), i => $"input {i} {inputs[i].Shape}", tolerance, step);
    }

    private static void ThrowIfWrong(Result worst, Func<int, string> name, double tolerance, float step)
    {
        if (worst.Error <= tolerance) { return; }
        throw new InvalidOperationException(
            $"gradcheck: {name(worst.Input)}: along a random direction the tape says {worst.Tape:g6}, finite differences say {worst.Numeric:g6} "
            + $"(relative error {worst.Error:g3}, allowed {tolerance:g3}). A wrong pullback, or a kink within {2 * step:g3} of an input?");
    }

    private static double Difference(Func<Tensor[], Tensor> f, Tensor[] inputs, int which, float[] direction, float[] w, float h, bool training)
    {
        var x = inputs[which];
        float[] at = x.ToArray(), moved = new float[at.Length];
        try
        {
            return ((8 * (Phi(h) - Phi(-h))) - (Phi(2 * h) - Phi(-2 * h))) / (12.0 * h);
        }
        finally { x.CopyFrom(at); }

        double Phi(float t)
        {
            for (int j = 0; j < at.Length; j++) { moved[j] = at[j] + (t * direction[j]); }
            x.CopyFrom(moved);
            using Arena arena = new Tape(training);
            return Dot(w, Made(f(inputs)).ToArray());
        }
    }

    private static Tensor Made(Tensor? y) => NullItems.Made(y, "gradcheck", "f must give a tensor");

    private static float[] Direction(Rng rng, int n)
    {
        float[] v = new float[n];
        rng.FillUniform(v, -0.5f, 0.5f);
        for (int i = 0; i < n; i++) { v[i] += v[i] < 0 ? -0.5f : 0.5f; }
        return v;
    }

    private static double Dot(float[] a, float[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) { sum += (double)a[i] * b[i]; }
        return sum;
    }

    private static double SizeOfProducts(float[] a, float[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++) { sum += (double)a[i] * b[i] * a[i] * b[i]; }
        return Math.Sqrt(sum);
    }
}
