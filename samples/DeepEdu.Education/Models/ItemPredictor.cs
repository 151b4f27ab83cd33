using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Memory;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>Recommends to learners what they have not taken yet, best first. A network of sequences also does to learners whom it did not learn from, from what they took.</summary>
internal sealed class ItemPredictor : IPredictor
{
    /// <summary>Of files: of the network that knows its users, and of those that read sequences.</summary>
    public const string Kind = "neumf", NextKind = "next-item";

    private readonly NeuMf? _net;
    private readonly NextItemNet? _next;
    private readonly bool _softmax;
    private readonly int[][] _taken, _past;
    private readonly string[]? _items;
    private readonly Dictionary<string, int>? _users, _numbers;
    private readonly int _itemCount;

    private ItemPredictor(CheckpointFile saved)
    {
        StateDict sizes = saved.Info.Options, data = saved.State("data");
        int users = sizes.Int("users");
        _itemCount = sizes.Int("items");
        if (saved.Info.Architecture == Kind) { _net = new(users, _itemCount, sizes.Int("factors"), new Rng(0)); }
        else
        {
            _next = RecommendKind.Of(sizes.Text("network")).Make!(_itemCount, sizes.Int("width"), 0, new Rng(0));
            _softmax = sizes.Text("loss") == NextItemNet.Softmax;
        }
        ((Module?)_net ?? _next!).LoadWeights(saved.State("network"));
        _taken = Lists(data, "taken", users);
        _past = _next is null ? [] : Lists(data, "past", users);
        if (data.Has("items")) { _numbers = Numbers(_items = data.Texts("items")); }
        if (data.Has("users")) { _users = Numbers(data.Texts("users")); }
    }

    public static IPredictor Load(CheckpointFile saved) => new ItemPredictor(saved);

    /// <summary>What the constructor takes.</summary>
    public static StateDict Sizes(Interactions data, int factors) => new StateDict().Set("users", data.Users).Set("items", data.Items).Set("factors", factors);

    /// <summary>What the constructor takes for a network of sequences.</summary>
    public static StateDict Sizes(Interactions data, RecommendKind kind, int width, string loss)
        => new StateDict().Set("users", data.Users).Set("items", data.Items).Set("network", kind.Name).Set("width", width).Set("loss", loss);

    /// <summary>What every learner took, in order where that is known, and the names of learners and items.</summary>
    public static StateDict Known(Interactions data)
    {
        StateDict known = Lists(new(), "taken", data.Train);
        if (data.Past is { } past) { Lists(known, "past", past); }
        if (data.UserNames is { } users) { known.Set("users", users); }
        return data.ItemNames is { } items ? known.Set("items", items) : known;
    }

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        yield return ["user", "rank", "item", "score"];
        int user = -1, item = -1;
        Dictionary<string, List<int>> told = []; // learners with what they took, as the table has it
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Of(path)))
        {
            if (user < 0)
            {
                if ((user = EventColumns.Found.Find("user", path, row.Header)) < 0)
                {
                    throw DataException.At(path, 1, $"no column 'user' in the header; this model recommends items to the learners named there. There are {string.Join(", ", row.Header)}.");
                }
                item = _next is null ? -1 : EventColumns.Found.Find("item", path, row.Header);
            }
            string name = row.Fields[user];
            if (item >= 0)
            {
                if (!told.TryGetValue(name, out List<int>? past)) { told.Add(name, past = []); }
                past.Add(Item(row, row.Fields[item]));
                continue;
            }
            int known = User(row, name);
            foreach (string[] line in Lines(name, _net is { } net ? s => Known(net, known, s) : s => Next(_past[known], s), _taken[known], options.Top)) { yield return line; }
        }
        foreach (var (name, past) in told)
        {
            foreach (string[] line in Lines(name, s => Next([.. past], s), [.. past], options.Top)) { yield return line; }
        }
    }

    private IEnumerable<string[]> Lines(string name, Func<int[], float[]> score, int[] taken, int top)
    {
        int[] items = [.. Enumerable.Range(0, _itemCount).Except(taken)];
        return items.Zip(score(items)).OrderByDescending(s => s.Second).Take(top).Select((s, rank) => (string[])[name, Text(rank + 1), _items?[s.First] ?? Text(s.First), s.Second.ToString("0.0000", CultureInfo.InvariantCulture)]);
    }

    private static float[] Known(NeuMf net, int user, int[] items)
    {
        int[] users = new int[items.Length];
        Array.Fill(users, user);
        using Arena arena = new();
        return net.Forward(users, items).Sigmoid().ToArray();
    }

    // chances: of all items together where the network learned by those, else of each alone
    private float[] Next(int[] past, int[] items)
    {
        using Arena arena = new();
        Tensor scores = _next!.Scores(Tensor.Of([1, _next.Vectors.Shape[1]], _next.Last([past])));
        return (_softmax ? scores.Softmax(1) : scores.Sigmoid()).Squeeze(0).IndexSelect(0, items).ToArray();
    }

    private int Item(TableRow row, string name)
    {
        int item = -1;
        bool known = _numbers is not null ? _numbers.TryGetValue(name, out item) : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out item) && item < _itemCount;
        return known ? item : throw row.Error($"the item '{name}' was not among those that the model learned from{(_items is null ? $", numbered 0..{_itemCount - 1}" : "")}.");
    }

    private int User(TableRow row, string name)
    {
        int user = -1;
        bool known = _users is not null ? _users.TryGetValue(name, out user) : int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out user) && user < _taken.Length;
        return known ? user : throw row.Error($"the learner '{name}' was not among those that the model learned from{(_users is null ? $", numbered 0..{_taken.Length - 1}" : "")}.");
    }

    private static Dictionary<string, int> Numbers(string[] names) => names.Select((name, n) => (name, n)).ToDictionary(n => n.name, n => n.n, StringComparer.Ordinal);

    private static StateDict Lists(StateDict to, string name, int[][] lists)
    {
        long end = 0;
        return to.Set(name, [.. lists.SelectMany(l => l).Select(i => (long)i)]).Set($"{name}_ends", [.. lists.Select(l => end += l.Length)]);
    }

    private static int[][] Lists(StateDict from, string name, int count)
    {
        long[] ends = from.Longs($"{name}_ends"), items = from.Longs(name);
        return [.. Enumerable.Range(0, count).Select(l => items[(int)(l == 0 ? 0 : ends[l - 1])..(int)ends[l]].Select(i => (int)i).ToArray())];
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
