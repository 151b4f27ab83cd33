using System.Diagnostics;
using DeepEdu.Tensors;

namespace DeepEdu.Autograd;

/// <summary>The operation where NaN or infinity came up first.</summary>
/// <param name="Op">The operation's name, as far as the program knows it.</param>
/// <param name="Shape">The shape of the result or gradient that is not finite.</param>
/// <param name="Index">Where its first such value stands, in row-major order.</param>
/// <param name="Value">That value.</param>
/// <param name="Backward">Whether it is a gradient.</param>
/// <param name="Leaves">The parameters that the operation takes; if none, those that its input was last computed from.</param>
/// <param name="IsDirect">Whether the operation takes <paramref name="Leaves"/> itself.</param>
public sealed record NonFiniteOp(string Op, Shape Shape, int Index, float Value, bool Backward, IReadOnlyList<Tensor> Leaves, bool IsDirect);

public sealed partial class Tape
{
    /// <summary>Finds where a value that is not finite came from: the first remembered operation whose result is not, or else the first whose gradient is not. Takes a pass over
    /// everything that the tape remembers, so ask when something is wrong.</summary>
    /// <param name="loss">One value, made while this tape was open.</param>
    /// <returns>Null if everything is finite, or if only numbers that the tape did not record are not.</returns>
    public NonFiniteOp? Diagnose(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        // −∞ is a mask's honest value: where NaN came out, NaN is looked for
        bool nan = float.IsNaN(loss.Item());
        bool infinite = float.IsInfinity(loss.Item());
        for (int i = 0; i < _steps.Count && (nan || infinite); i++)
        {
            foreach (var output in _steps[i].Outputs)
            {
                if (FirstBad(output, nan) is { } at) { return Blame(i, output, at, false); }
            }
        }
        return nan || infinite ? null : DiagnoseGradients(loss);
    }

    private NonFiniteOp? DiagnoseGradients(Tensor loss)
    {
        if (!Wants(loss)) { ThrowNotRecorded(); }
        var grads = new Gradients(this, _steps.Count);
        grads.Accumulate(loss, Tensor.Ones(loss.Shape, loss.Device));
        _rewinding = grads;
        try
        {
            for (int i = _steps.Count - 1; i >= 0; i--)
            {
                _steps[i].Rewind(this, int.MaxValue, grads); // whatever has been stepped: the place is looked for, not the value
                foreach (var input in _steps[i].Inputs)
                {
                    if (grads.Peek(input) is { } g && FirstBad(g, false) is { } at) { return Blame(i, g, at, true); }
                }
            }
        }
        finally { _rewinding = null; }
        return null;
    }

    private NonFiniteOp Blame(int step, Tensor bad, int at, bool backward)
    {
        int index = step;
        List<Tensor> leaves = [];
        while (true)
        {
            int before = -1;
            foreach (var input in _steps[index].Inputs)
            {
                if (input.IsLeaf) { leaves.Add(input); }
                else if (ReferenceEquals(input.Recorder, this)) { before = Math.Max(before, input.Node); }
            }
            if (leaves.Count > 0 || before < 0) { break; }
            index = before;
        }
        return new(NameOf(_steps[step].Pull), bad.Shape, at, bad.ToArray()[at], backward, leaves, index == step);
    }

    private static int? FirstBad(Tensor tensor, bool nan)
    {
        float[] values = tensor.ToArray();
        int at = Array.FindIndex(values, nan ? float.IsNaN : v => !float.IsFinite(v));
        return at < 0 ? null : at;
    }

    // a pullback is a lambda inside the operation's method, or, where a formula makes the operation, inside a generic method of that formula
    private static string NameOf(Delegate pull)
    {
        string type = pull.Target?.GetType().ToString() ?? "";
        int open = type.IndexOf('[', StringComparison.Ordinal);
        if (open >= 0)
        {
            foreach (string part in type[(open + 1)..].Split(',', '[', ']'))
            {
                string formula = part[(part.LastIndexOfAny(['+', '.']) + 1)..];
                foreach (string kind in (string[])["Formula", "Pull"])
                {
                    if (formula.EndsWith(kind, StringComparison.Ordinal)) { return formula[..^kind.Length]; }
                }
            }
        }
        string name = DiagnosticMethodInfo.Create(pull)?.Name ?? "";
        int end = name.IndexOf('>', StringComparison.Ordinal);
        return name.StartsWith('<') && end > 1 ? name[1..end] : name.Length > 0 ? name : "an operation";
    }
}
