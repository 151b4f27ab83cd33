using DeepEdu.Data;
using DeepEdu.Education.Baselines;
using DeepEdu.Education.Data;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace DeepEdu.Education.Models;

/// <summary>Ranks answers by the cosine of their directions with the question's.</summary>
internal sealed class AnswerRanker : IAnswerer
{
    private readonly AnswerNet _network;
    private readonly Vocabulary _words;
    private readonly float[] _answers;
    private readonly int _count;

    public AnswerRanker(AnswerNet network, Vocabulary words, IReadOnlyList<WordedText> answers)
    {
        (_network, _words, _count) = (network, words, answers.Count);
        _answers = network.Encode([.. answers.Select(a => words.Encode(a.Words))]);
    }

    public string Name => "BiLSTM";

    public IEnumerable<float[]> Scores(IReadOnlyList<WordedText> questions)
    {
        float[] asked = _network.Encode([.. questions.Select(q => _words.Encode(q.Words))]);
        int width = _answers.Length / _count;
        for (int q = 0; q < questions.Count; q++)
        {
            float[] scores = new float[_count];
            for (int a = 0; a < _count; a++) { scores[a] = TensorPrimitives.Dot(asked.AsSpan(q * width, width), _answers.AsSpan(a * width, width)); }
            yield return scores;
        }
    }
}
