using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>Users, items, and 1 where the user took the item, 0 where not: every interaction once an epoch, in random order, among items drawn anew from those not taken.</summary>
/// <param name="taken">Items by user.</param>
/// <param name="others">Draws what was not taken.</param>
/// <param name="negatives">Items not taken for every one that was.</param>
/// <param name="size">Examples a batch; the last may have fewer.</param>
/// <param name="rng">Where order and draws come from.</param>
internal sealed class ImplicitExamples(int[][] taken, NegativeSampler others, int negatives, int size, Rng rng) : IBatches<(int[] Users, int[] Items, float[] Taken)>
{
    private readonly int[] _items = [.. taken.SelectMany(t => t)], _users = [.. taken.SelectMany((t, user) => Enumerable.Repeat(user, t.Length))];

    public int Count => (Examples + size - 1) / size;

    int? IBatches<(int[] Users, int[] Items, float[] Taken)>.Count => Count;

    private int Examples => _items.Length * (1 + negatives);

    public IEnumerable<(int[] Users, int[] Items, float[] Taken)> Epoch(int epoch, int from = 0) => All(rng.Split((ulong)epoch)).Skip(from);

    private IEnumerable<(int[] Users, int[] Items, float[] Taken)> All(Rng own)
    {
        int[] order = own.Permutation(Examples);
        Rng draws = own.Fork();
        foreach (int[] batch in order.Chunk(size))
        {
            var (user, item, label) = (new int[batch.Length], new int[batch.Length], new float[batch.Length]);
            for (int i = 0; i < batch.Length; i++)
            {
                // example e is the interaction e / (1 + negatives) itself, or one of the negatives drawn for it
                var (interaction, copy) = Math.DivRem(batch[i], 1 + negatives);
                user[i] = _users[interaction];
                label[i] = copy == 0 ? 1 : 0;
                item[i] = copy == 0 ? _items[interaction] : others.Draw(user[i], draws);
            }
            yield return (user, item, label);
        }
    }
}
