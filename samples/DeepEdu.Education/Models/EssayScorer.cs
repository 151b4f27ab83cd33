using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Sizes of the essay network.</summary>
internal sealed record EssayScorerOptions
{
    public int Width { get; init; } = 50;

    public int Hidden { get; init; } = 64;

    public bool Bidirectional { get; init; }

    public bool Sum { get; init; } = true;

    public float Dropout { get; init; } = 0.5f;

    public float WordDropout { get; init; }

    public float InitStd { get; init; } = 0.1f;
}

/// <summary>Embedding, LSTM, mean over time, one sigmoid unit (Taghipour and Ng 2016, doi:10.18653/v1/D16-1193).</summary>
internal sealed class EssayScorer : Module
{
    private readonly Embedding _words;
    private readonly Lstm _lstm;
    private readonly Dropout _dropout;
    private readonly Dropout? _wordDropout;
    private readonly Dense _output;
    private readonly float _typicalLength;
    private readonly EssayScorerOptions _options;

    public EssayScorer(int vocabulary, float meanScore, float typicalLength, EssayScorerOptions options, Rng rng)
    {
        _options = options;
        _typicalLength = typicalLength;
        _words = new(vocabulary, options.Width, rng, padding: 0, init: Init.Normal(0, options.InitStd));
        _lstm = new(options.Width, options.Hidden, rng, bidirectional: options.Bidirectional, forgetBias: 1);
        _dropout = new(options.Dropout, rng);
        _wordDropout = options.WordDropout > 0 ? new(options.WordDropout, rng) : null;
        int wide = options.Hidden * (options.Bidirectional ? 2 : 1) * (options.Sum ? 2 : 1);
        _output = new(wide, 1, rng, init: Init.XavierUniform());
        _output.Bias!.AsSpan()[0] = MathF.Log(meanScore / (1 - meanScore));
    }

    /// <summary>Scores in 0..1: tokens [batch, steps] with lengths [batch] → [batch].</summary>
    public Tensor Forward(Indices tokens, Indices lengths)
    {
        int batch = tokens.Shape[0];
        var x = _words.Forward(tokens);
        if (_wordDropout is not null) { x = _wordDropout.Forward(x); }
        var sum = _lstm.Run(x, lengths: lengths).Output.Sum(1);
        float[] share = new float[batch];
        for (int i = 0; i < batch; i++) { share[i] = 1f / Math.Max(1, lengths[i]); }
        var mean = sum * Tensor.Wrap(share, [batch, 1]);
        var pooled = _options.Sum ? Tensor.Concat([mean, sum * (1 / _typicalLength)], 1) : mean;
        return _output.Forward(_dropout.Forward(pooled)).Squeeze(1).Sigmoid();
    }

    protected override void Parts(Parts p) => p.Of(_words).Of(_lstm).Of(_output);
}
