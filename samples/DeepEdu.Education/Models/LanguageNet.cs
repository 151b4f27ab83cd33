using DeepEdu.Education.Baselines;
using DeepEdu.Education.Text;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>A recurrent language model: token vectors, two LSTMs and a layer of logits (Mikolov et al. 2010; dropout between the layers as in Zaremba et al. 2014, arXiv:1409.2329).</summary>
internal sealed class LanguageNet : Module, ILanguageModel
{
    /// <summary>The share of values left out while learning, unless another is given.</summary>
    public const float Drop = 0.2f;

    private const int Layers = 2, Stretch = 500;
    private readonly Embedding _tokens;
    private readonly Dropout _dropout;
    private readonly Lstm _lstm;
    private readonly Dense _output;

    public LanguageNet(int tokens, int hidden, Rng rng, float drop = Drop)
    {
        (Tokens, Hidden) = (tokens, hidden);
        int vector = Math.Max(1, hidden / 2);
        _tokens = new(tokens, vector, rng, init: Init.Normal(0, 0.1f));
        _dropout = new(drop, rng);
        _lstm = new(vector, hidden, rng, Layers, dropout: drop, forgetBias: 1);
        _output = new(hidden, tokens, rng);
    }

    public string Name => "LSTM";

    public int Tokens { get; }

    public int Hidden { get; }

    /// <summary>Tokens [texts, steps] from the beginning of a text → logits of the next [texts·steps, tokens].</summary>
    public Tensor Forward(Indices tokens) => Step(tokens, null).Logits;

    public double Nats(int[] text, int from)
    {
        from = Math.Max(1, from); // before the first token there is nothing to tell it from
        double sum = 0;
        LstmState? state = null;
        for (int at = 1, n; at < text.Length; at += n)
        {
            n = Math.Min(Stretch, (at < from ? from : text.Length) - at);
            using Arena arena = new();
            var (output, next) = Read(Row(text.AsSpan(at - 1, n)), state);
            if (at >= from) { sum += n * (double)Logits(output).CrossEntropy(Indices.Wrap(text[at..(at + n)], [n])).ToArray()[0]; }
            state = next.Keep();
        }
        return sum / (text.Length - from);
    }

    public int[] Continue(int[] prompt, int count, TokenSampler sampler)
    {
        List<int> drawn = [];
        LstmState? state = null;
        int[] read = prompt;
        while (drawn.Count < count)
        {
            using Arena arena = new();
            var (logits, next) = Step(Row(read), state);
            drawn.Add(sampler.Draw(logits.ToArray().AsSpan()[^Tokens..]));
            (read, state) = ([drawn[^1]], next.Keep());
        }
        return [.. drawn];
    }

    protected override void Parts(Parts p) => p.Of(_tokens).Of(_dropout).Of(_lstm).Of(_output);

    private (Tensor Logits, LstmState State) Step(Indices tokens, LstmState? state)
    {
        var (output, next) = Read(tokens, state);
        return (Logits(output), next);
    }

    private LstmOutput Read(Indices tokens, LstmState? state) => _lstm.Run(_dropout.Forward(_tokens.Forward(tokens)), state);

    private Tensor Logits(Tensor output) => _output.Forward(_dropout.Forward(output).Reshape([output.Size / Hidden, Hidden]));

    private static Indices Row(ReadOnlySpan<int> tokens) => Indices.Wrap(tokens.ToArray(), [1, tokens.Length]);
}
