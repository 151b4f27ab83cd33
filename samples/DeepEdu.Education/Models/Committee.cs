using DeepEdu.Memory;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>What one head of a network predicts.</summary>
/// <param name="Name">In lower case.</param>
/// <param name="Kind">What its outputs mean.</param>
/// <param name="Outputs">How many classes; 1 for the other kinds.</param>
internal sealed record Outcome(string Name, HeadKind Kind, int Outputs);

/// <summary>Networks of equal build whose predictions are averaged: a cross-validation committee (Krogh and Vedelsby 1995).</summary>
/// <param name="outcomes">What the heads predict.</param>
/// <param name="scales">Mean and deviation of each value head's targets, which the networks learn standardised; (0, 1) for others.</param>
/// <param name="make">Member m before it has learned.</param>
internal sealed class Committee(Outcome[] outcomes, (float Mean, float Deviation)[] scales, Func<int, MultiTaskNet> make) : IStateful
{
    private readonly List<MultiTaskNet> _members = [];

    public Outcome[] Outcomes => outcomes;

    /// <summary>How many have learned.</summary>
    public int Count => _members.Count;

    /// <summary>The next member.</summary>
    public MultiTaskNet Make() => make(Count);

    public void Add(MultiTaskNet learned) => _members.Add(learned);

    /// <summary>For each head the predictions, row after row: values in their own unit, or chances.</summary>
    public float[][] Predict(Tensor rows)
    {
        float[][] means = Array.ConvertAll(outcomes, o => new float[rows.Shape[0] * o.Outputs]);
        foreach (MultiTaskNet net in _members)
        {
            using Arena arena = new();
            Tensor[] outputs = net.Forward(rows);
            for (int h = 0; h < outcomes.Length; h++)
            {
                Tensor y = outcomes[h].Kind switch { HeadKind.Value => outputs[h] * scales[h].Deviation + scales[h].Mean, HeadKind.YesNo => outputs[h].Sigmoid(), _ => outputs[h].Softmax(-1) };
                float[] values = y.ToArray();
                for (int i = 0; i < values.Length; i++) { means[h][i] += values[i] / _members.Count; }
            }
        }
        return means;
    }

    // of networks that have learned, the weights are all
    public void SaveState(StateDict to)
    {
        to.Set("members", Count).Set("means", [.. scales.Select(s => (double)s.Mean)]).Set("deviations", [.. scales.Select(s => (double)s.Deviation)]);
        for (int m = 0; m < Count; m++)
        {
            foreach (var (name, value) in _members[m].Parameters()) { to.Set($"{m}.{name}", value); }
        }
    }

    public void LoadState(StateDict from)
    {
        double[] means = from.Doubles("means"), deviations = from.Doubles("deviations");
        for (int h = 0; h < scales.Length; h++) { scales[h] = ((float)means[h], (float)deviations[h]); }
        _members.Clear();
        for (int m = 0; m < from.Int("members"); m++)
        {
            MultiTaskNet net = Make();
            net.LoadWeights(from.Part($"{m}"));
            Add(net);
        }
    }
}
