using DeepEdu.Data;
using DeepEdu.Devices;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>One encoder for questions and answers: word vectors, an LSTM in both directions, the largest value over time, brought to length 1. A question and its answer point the same way (Tan et al. 2015, arXiv:1511.04108).</summary>
internal sealed class AnswerNet : Module
{
    /// <summary>Units of a direction, and the share of values left out while learning, unless others are given.</summary>
    public const int Usual = 32;
    public const float Drop = 0.2f;

    private const int Width = 48, PredictBatch = 128;
    private readonly Embedding _words;
    private readonly Dropout _dropout;
    private readonly Lstm _lstm;

    public AnswerNet(int vocabulary, Rng rng, int hidden = Usual, float drop = Drop)
    {
        (Words, Hidden) = (vocabulary, hidden);
        _words = new(vocabulary, Width, rng, padding: 0);
        _dropout = new(drop, rng);
        _lstm = new(Width, hidden, rng, bidirectional: true, forgetBias: 1);
    }

    /// <summary>How many words, padding and the unknown one included.</summary>
    public int Words { get; }

    public int Hidden { get; }

    /// <summary>Texts as word numbers → directions [texts, 2·hidden].</summary>
    public Tensor Forward(IReadOnlyList<int[]> texts)
    {
        PaddedTokens padded = Collate.Pad(texts, t => t);
        Indices lengths = Indices.Wrap(padded.Lengths, [texts.Count]);
        Tensor most = _lstm.Run(_dropout.Forward(_words.Forward(padded.Values)), lengths: lengths).Output.MaxOverTime(lengths);
        return most / (most.Square().Sum(1, keepDims: true) + 1e-12f).Sqrt();
    }

    /// <summary>The directions of any number of texts, one after another.</summary>
    public float[] Encode(IReadOnlyList<int[]> texts)
    {
        float[] all = new float[texts.Count * 2 * Hidden];
        for (int from = 0; from < texts.Count; from += PredictBatch)
        {
            using Arena arena = new();
            Forward([.. texts.Skip(from).Take(PredictBatch)]).To(CpuDevice.Instance).AsSpan().CopyTo(all.AsSpan(from * 2 * Hidden));
        }
        return all;
    }

    protected override void Parts(Parts p) => p.Of(_words).Of(_dropout).Of(_lstm);
}
