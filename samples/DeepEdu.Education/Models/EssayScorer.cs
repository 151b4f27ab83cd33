using DeepEdu.Attribution;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Word vectors, an LSTM, pooling over time and one sigmoid unit whose bias starts at the mean score (Taghipour and Ng 2016, doi:10.18653/v1/D16-1193).
/// Beside the mean over time stands the sum, in units of the training essays' mean length, so that evidence can add up. Dropout acts on the word vectors: before the
/// output it would change the scale of every score.</summary>
internal sealed class EssayScorer : Module
{
    /// <summary>Units, and the share of values left out while learning, unless others are given.</summary>
    public const int Usual = 32;
    public const float Drop = 0.5f;

    private const int Width = 50;
    private const int PredictBatch = 64;
    private const int ExplainSteps = 32;
    private readonly Embedding _words;
    private readonly Dropout _dropout;
    private readonly Lstm _lstm;
    private readonly Dense _output;

    /// <param name="vocabulary">How many words, padding (0) included.</param>
    /// <param name="meanScore">In 0..1.</param>
    /// <param name="typicalLength">Words of an essay.</param>
    /// <param name="rng">Where initial values and dropout come from.</param>
    /// <param name="hidden">Units of the LSTM.</param>
    /// <param name="drop">The share of values of word vectors left out while learning.</param>
    public EssayScorer(int vocabulary, float meanScore, float typicalLength, Rng rng, int hidden = Usual, float drop = Drop)
    {
        Hidden = hidden;
        TypicalLength = typicalLength;
        _words = new(vocabulary, Width, rng, padding: 0);
        _dropout = new(drop, rng);
        _lstm = new(Width, hidden, rng, forgetBias: 1);
        _output = new(2 * hidden, 1, rng, init: Init.XavierUniform());
        _output.Bias!.AsSpan()[0] = MathF.Log(meanScore / (1 - meanScore));
    }

    public int Hidden { get; }

    /// <summary>The word vectors [vocabulary, width].</summary>
    public Parameter Words => _words.Weight;

    /// <summary>Words of an essay that the sum over time is measured in.</summary>
    public float TypicalLength { get; }

    /// <summary>Scores in 0..1 of essays as word ids → [essays].</summary>
    public Tensor Forward(IReadOnlyList<int[]> essays)
    {
        int[] lengths = [.. essays.Select(t => t.Length)];
        int steps = Math.Max(1, lengths.Max());
        int[] tokens = new int[essays.Count * steps];
        for (int i = 0; i < essays.Count; i++) { essays[i].CopyTo(tokens, i * steps); }
        return Forward(Indices.Wrap(tokens, [essays.Count, steps]), lengths);
    }

    /// <summary>Scores in 0..1 of any number of essays, those of like length together.</summary>
    public float[] Predict(IReadOnlyList<int[]> essays)
    {
        float[] scores = new float[essays.Count];
        foreach (int[] chunk in Enumerable.Range(0, essays.Count).OrderBy(i => essays[i].Length).Chunk(PredictBatch))
        {
            using Arena arena = new();
            var y = Forward([.. chunk.Select(i => essays[i])]).To(CpuDevice.Instance).AsSpan();
            for (int i = 0; i < chunk.Length; i++) { scores[chunk[i]] = y[i]; }
        }
        return scores;
    }

    /// <summary>What each word of an essay gives to its score in 0..1, beginning at an essay of as many words that say nothing: integrated gradients of the word vectors.</summary>
    public (float[] Words, double Delta) Explain(int[] essay)
    {
        var (words, delta) = LayerIntegratedGradients.Of(_words, vectors => Score(vectors, Indices.Wrap([essay.Length], [1])), Indices.Wrap(essay, [1, essay.Length]), baseline: 0, ExplainSteps);
        return (words.ToArray(), delta[0]);
    }

    private Tensor Forward(Indices tokens, Indices lengths) => Score(_words.Forward(tokens), lengths);

    private Tensor Score(Tensor vectors, Indices lengths)
    {
        float[] shares = [.. lengths.ToArray().Select(n => TypicalLength / Math.Max(1, n))];
        var sum = _lstm.Run(_dropout.Forward(vectors), lengths: lengths).Output.Sum(1) * (1 / TypicalLength);
        var mean = sum * Tensor.Of([shares.Length, 1], shares, sum.Device);
        return _output.Forward(Tensor.Concat([mean, sum], 1)).Squeeze(1).Sigmoid();
    }

    protected override void Parts(Parts p) => p.Of(_words).Of(_dropout).Of(_lstm).Of(_output);
}
