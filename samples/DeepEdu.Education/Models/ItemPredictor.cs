using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Memory;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Recommends to learners what they have not taken yet, best first.</summary>
internal sealed class ItemPredictor : IPredictor
{
    public const string Kind = "neumf";
    private readonly NeuMf _net;
    private readonly int[][] _taken;
    private readonly string[]? _items;
    private readonly Dictionary<string, int>? _users;
    private readonly int _itemCount;

    private ItemPredictor(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options, data = saved.State("data");
        int users = sizes.Int("users");
        _itemCount = sizes.Int("items");
        _net = new(users, _itemCount, sizes.Int("factors"), new Rng(0));
        _net.LoadWeights(saved.State("network"));
        _taken = [.. Enumerable.Range(0, users).Select(_ => Array.Empty<int>())];
        long[] ends = data.Longs("taken_ends"), items = data.Longs("taken");
        for (int u = 0; u < users; u++) { _taken[u] = [.. items[(int)(u == 0 ? 0 : ends[u - 1])..(int)ends[u]].Select(i => (int)i)]; }
        if (data.Has("items")) { _items = data.Texts("items"); }
        if (data.Has("users")) { _users = data.Texts("users").Select((name, u) => (name, u)).ToDictionary(n => n.name, n => n.u, StringComparer.Ordinal); }
    }

    public static IPredictor Load(CheckpointFile saved) => new ItemPredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(Interactions data, int factors) => new StateDict().Set("users", data.Users).Set("items", data.Items).Set("factors", factors);

    /// <summary>What every learner took, and the names of learners and items.</summary>
    public static StateDict Known(Interactions data)
    {
        long taken = 0;
        StateDict known = new StateDict().Set("taken", [.. data.Train.SelectMany(t => t).Select(i => (long)i)]).Set("taken_ends", [.. data.Train.Select(t => taken += t.Length)]);
        if (data.UserNames is { } users) { known.Set("users", users); }
        return data.ItemNames is { } items ? known.Set("items", items) : known;
    }

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        yield return ["user", "rank", "item", "score"];
        int column = -1;
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Of(path)))
        {
            if (column < 0 && (column = EventColumns.Found.Find("user", path, row.Header)) < 0)
            {
                throw DataException.At(path, 1, $"no column 'user' in the header; this model recommends items to the learners named there. There are {string.Join(", ", row.Header)}.");
            }
            string name = row.Fields[column];
            int rank = 0;
            foreach (var (item, score) in Best(User(row, name), options.Top))
            {
                yield return [name, Text(++rank), _items?[item] ?? Text(item), score.ToString("0.0000", CultureInfo.InvariantCulture)];
            }
        }
    }

    private IEnumerable<(int Item, float Score)> Best(int user, int top)
    {
        int[] items = [.. Enumerable.Range(0, _itemCount).Except(_taken[user])];
        int[] users = new int[items.Length];
        Array.Fill(users, user);
        using Arena arena = new();
        float[] scores = _net.Forward(users, items).Sigmoid().ToArray();
        return [.. items.Zip(scores).OrderByDescending(s => s.Second).Take(top)];
    }

    private int User(TableRow row, string name)
    {
        int user = -1;
        bool known = _users is not null ? _users.TryGetValue(name, out user) : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out user) && user < _taken.Length;
        return known ? user : throw row.Error($"the learner '{name}' was not among those that the model learned from{(_users is null ? $", numbered 0..{_taken.Length - 1}" : "")}.");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
