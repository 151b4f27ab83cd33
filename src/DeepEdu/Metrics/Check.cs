using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Metrics;

/// <summary>The argument checks that the metrics share.</summary>
internal static class Check
{
    public static void SameLength(string metric, int a, int b, string nameOfA = "predictions", string nameOfB = "targets")
    {
        if (a != b) { ThrowLength(metric, a, b, nameOfA, nameOfB); }
    }

    public static void SameShape(string metric, Tensor a, Tensor b, [CallerArgumentExpression(nameof(a))] string? nameOfA = null, [CallerArgumentExpression(nameof(b))] string? nameOfB = null)
    {
        ArgumentNullException.ThrowIfNull(a, nameOfA);
        ArgumentNullException.ThrowIfNull(b, nameOfB);
        if (a.Shape != b.Shape) { throw new ShapeException(metric, $"predictions {a.Shape} for {b.Shape}: one a target; Flatten or Squeeze one of them?", a.Shape, b.Shape); }
    }

    /// <summary>Scores must be [N, C].</summary>
    public static void Rows(string metric, Tensor scores, [CallerArgumentExpression(nameof(scores))] string? nameOfScores = null)
    {
        ArgumentNullException.ThrowIfNull(scores, nameOfScores);
        if (scores.Rank != 2) { throw new ShapeException(metric, $"scores {scores.Shape} are not [N, C], one a class; Flatten the steps of sequences first", scores.Shape); }
    }

    /// <summary>The class with the highest score in each row, if every label is one of the classes.</summary>
    public static Indices Classes(string metric, Tensor scores, Indices labels)
    {
        Rows(metric, scores);
        foreach (int label in labels.Span) { if ((uint)label >= (uint)scores.Shape[1]) { ThrowScores(metric, label, scores.Shape); } }
        var top = scores.ArgMax(1);
        float[] highest = scores.Gather(1, top.Unsqueeze(1)).ToArray(); // a NaN is found before any number
        for (int i = 0; i < highest.Length; i++) { if (float.IsNaN(highest[i])) { ThrowNaNRow(metric, i); } }
        return top;
    }

    /// <summary>Scores of yes/no examples with their answers, 0 or 1; all are looked at before one is added.</summary>
    public static (float Score, bool Positive)[] YesNo(string metric, Tensor scores, Tensor positive, bool probabilities = false, [CallerArgumentExpression(nameof(scores))] string? nameOfScores = null)
    {
        SameShape(metric, scores, positive, nameOfScores);
        var rows = new (float, bool)[scores.Size];
        float[] values = scores.ToArray(), answers = positive.ToArray();
        for (int i = 0; i < rows.Length; i++)
        {
            if (probabilities) { Probability(metric, values[i]); }
            else if (float.IsNaN(values[i])) { ThrowNaN(metric, i); }
            if (answers[i] is not (0 or 1)) { ThrowAnswer(metric, answers[i]); }
            rows[i] = (values[i], answers[i] == 1);
        }
        return rows;
    }

    public static void Weight(string metric, double weight)
    {
        if (!(weight >= 0) || double.IsInfinity(weight)) { ThrowWeight(metric, weight); }
    }

    public static void Label(string metric, int label, int classes)
    {
        if ((uint)label >= (uint)classes) { ThrowLabel(metric, label, classes); }
    }

    public static void Probability(string metric, double p)
    {
        if (!(p >= 0 && p <= 1)) { ThrowProbability(metric, p); }
    }

    /// <summary>There must be numbers, all of them finite.</summary>
    public static void Finite(string metric, string what, ReadOnlySpan<double> values)
    {
        if (values.IsEmpty) { ThrowEmpty(metric); }
        for (int i = 0; i < values.Length; i++) { if (!double.IsFinite(values[i])) { ThrowFinite(metric, what, i, values[i]); } }
    }

    /// <summary>What is fitted to answers learns nothing from one kind.</summary>
    public static void TwoKinds<T>(string metric, ReadOnlySpan<T> answers) where T : IEquatable<T>
    {
        if (answers.IsEmpty) { ThrowEmpty(metric); }
        if (!answers.ContainsAnyExcept(answers[0])) { ThrowOneKind(metric, answers.Length, $"{answers[0]}"); }
    }

    /// <summary>Reads arrays of the sizes that are there; all are looked at before one is changed.</summary>
    public static void Load(string metric, StateDict from, params ReadOnlySpan<(string Name, double[] To)> arrays)
    {
        foreach (var (name, to) in arrays)
        {
            if (from.Doubles(name).Length != to.Length) { throw new InvalidDataException($"{metric}: the state's \"{name}\" has {from.Doubles(name).Length} numbers, here it has {to.Length}"); }
        }
        foreach (var (name, to) in arrays) { from.Doubles(name).CopyTo(to, 0); }
    }

    /// <summary>What was saved must be what can be.</summary>
    public static void State(string metric, bool holds, string what)
    {
        if (!holds) { throw new InvalidDataException($"{metric}: the state {what}; was it saved by another kind of object?"); }
    }

    /// <summary>The columns of a saved table must be of one length.</summary>
    public static void Columns(string metric, int first, int second, int third)
    {
        if (second != first || third != first) { throw new InvalidDataException($"{metric}: the state's columns have {first}, {second} and {third} numbers, not one an example"); }
    }

    [DoesNotReturn]
    private static void ThrowLength(string metric, int a, int b, string nameOfA, string nameOfB)
        => throw new ArgumentException($"{metric}: {a} {nameOfA} but {b} {nameOfB}; pass one of each per example.");

    [DoesNotReturn]
    private static void ThrowEmpty(string metric) => throw new ArgumentException($"{metric}: there is no example; give some that the model did not learn from.");

    [DoesNotReturn]
    private static void ThrowFinite(string metric, string what, int at, double value)
        => throw new ArgumentException($"{metric}: {what} {at} is {value}; look at the model that gave it: it has diverged, or divides by 0.");

    [DoesNotReturn]
    private static void ThrowOneKind(string metric, int count, string kind)
        => throw new ArgumentException($"{metric}: all {count} answers are {kind}; examples of at least two kinds are needed.");

    [DoesNotReturn]
    private static void ThrowWeight(string metric, double weight)
        => throw new ArgumentOutOfRangeException(nameof(weight), $"{metric}: weight {weight} must be finite and not negative; 0 masks an example.");

    [DoesNotReturn]
    private static void ThrowLabel(string metric, int label, int classes)
        => throw new ArgumentOutOfRangeException(nameof(label), $"{metric}: label {label} is outside 0..{classes - 1}; was the metric made for another number of classes?");

    [DoesNotReturn]
    private static void ThrowScores(string metric, int label, Shape scores) => throw new ArgumentOutOfRangeException(nameof(label), $"{metric}: label {label} is none of the {scores[1]} classes of scores {scores}; "
        + (scores[1] == 1 ? "where one score says yes or no, give the answers as a tensor of 0 and 1 of the scores' shape, and a threshold" : "leave rows that the loss ignores out"));

    [DoesNotReturn]
    private static void ThrowAnswer(string metric, float answer)
        => throw new ArgumentException($"{metric}: the answer {answer} is neither 0 (no) nor 1 (yes); numbers of classes are Indices, with scores [N, C].");

    [DoesNotReturn]
    private static void ThrowNaN(string metric, int at)
        => throw new ArgumentException($"{metric}: score {at} is NaN; look at the loss and the learning rate: the model has diverged.");

    [DoesNotReturn]
    private static void ThrowNaNRow(string metric, int row)
        => throw new ArgumentException($"{metric}: row {row} has a score that is NaN, so there is no highest; look at the loss and the learning rate: the model has diverged.");

    [DoesNotReturn]
    private static void ThrowProbability(string metric, double p)
        => throw new ArgumentOutOfRangeException(nameof(p), $"{metric}: {p} is not a probability; apply sigmoid or softmax to logits first.");
}
