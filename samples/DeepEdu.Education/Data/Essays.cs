using System.Text;
using DeepEdu.Data;
using DeepEdu.Numerics;

namespace DeepEdu.Education.Data;

/// <summary>One essay with its whole-number score.</summary>
internal readonly record struct Essay(int Id, string Text, int Score);

/// <summary>The places (in <see cref="EssaySet.Essays"/>) of one fold.</summary>
internal sealed record Fold(int[] Train, int[] Dev, int[] Test);

/// <summary>Essays of one prompt, the fixed range of its scores, and its folds.</summary>
internal sealed record EssaySet(string Name, int Prompt, int Min, int Max, Essay[] Essays, Fold[] Folds)
{
    /// <summary>Whether the folds were drawn here, as no file says which they are.</summary>
    public bool Drawn { get; init; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Essays.Length} essays, scores {Min}..{Max}, {Folds.Length} folds{(Drawn ? ", drawn here: there is no folds_fold_0.test_ids.txt" : "")}";
}

/// <summary>Reads ASAP-AES: <c>asap_promptN.tsv</c> (or <c>training_set_rel3.tsv</c>) with tab-separated fields where quotes are plain characters,
/// and <c>folds_fold_k.{train,dev,test}_ids.txt</c> (Taghipour and Ng 2016); without these, five folds are drawn, always the same.</summary>
internal static class AsapReader
{
    private const int DrawnFolds = 5;

    private static readonly (int Min, int Max)[] s_ranges = [(2, 12), (1, 6), (0, 3), (0, 3), (0, 4), (0, 4), (0, 30), (0, 60)];

    public static EssaySet Read(string folder, int prompt, Encoding? encoding = null)
    {
        if (prompt < 1 || prompt > s_ranges.Length) { throw new DataException($"--prompt {prompt}: ASAP has the prompts 1..{s_ranges.Length}."); }
        string path = TextSource.TryFind(folder, $"asap_prompt{prompt}.tsv") ?? TextSource.TryFind(folder, "training_set_rel3.tsv")
            ?? throw new DataException($"{folder}: no file asap_prompt{prompt}.tsv(.gz) or training_set_rel3.tsv(.gz) in this folder.");
        var (min, max) = s_ranges[prompt - 1];
        List<Essay> essays = [];
        Dictionary<int, int> places = [];
        int idColumn = -1, setColumn = -1, textColumn = -1, scoreColumn = -1;
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Tab with { Encoding = encoding }))
        {
            if (idColumn < 0)
            {
                idColumn = Column("essay_id");
                setColumn = Column("essay_set");
                textColumn = Column("essay");
                scoreColumn = Column("domain1_score");
            }
            if (row.Int(setColumn) != prompt) { continue; }
            int id = row.Int(idColumn), score = row.Int(scoreColumn);
            if (score < min || score > max) { throw row.Error($"score {score} is outside {min}..{max} of prompt {prompt}."); }
            if (!places.TryAdd(id, essays.Count)) { throw row.Error($"essay {id} occurs twice."); }
            essays.Add(new(id, row.Fields[textColumn], score));

            int Column(string name) => TableRow.Column(path, row.Header, name, "tab-separated ASAP columns");
        }
        if (essays.Count == 0) { throw new DataException($"{path}: no essay of prompt {prompt}."); }
        List<Fold> folds = [];
        for (int k = 0; TextSource.TryFind(folder, $"folds_fold_{k}.test_ids.txt") is not null; k++)
        {
            Fold fold = new(Ids(folder, k, "train", places), Ids(folder, k, "dev", places), Ids(folder, k, "test", places));
            if (new[] { fold.Train.Intersect(fold.Dev), fold.Train.Intersect(fold.Test), fold.Dev.Intersect(fold.Test) }.SelectMany(both => both).Take(1).ToArray() is [int twice])
            {
                throw new DataException($"{folder}: essay {essays[twice].Id} stands in two of the train, dev and test ids of fold {k}; it would be tested on what was learned, so leave it in one.");
            }
            folds.Add(fold);
        }
        bool drawn = folds.Count == 0;
        if (drawn)
        {
            if (essays.Count < DrawnFolds) { throw new DataException($"{path}: {essays.Count} essays of prompt {prompt} are too few for {DrawnFolds} folds, and {folder} has no file folds_fold_0.test_ids.txt(.gz)."); }
            folds.AddRange(Draw(essays.Count));
        }
        return new($"asap-aes prompt {prompt}", prompt, min, max, [.. essays], [.. folds]) { Drawn = drawn };
    }

    // 60, 20 and 20 % as in the folds of Taghipour and Ng; of one seed, so that runs with several are about the same essays
    private static IEnumerable<Fold> Draw(int count)
    {
        int[][] tests = [.. Folds.KFold(count, DrawnFolds, new Rng(1)).Select(s => s.Test)];
        for (int k = 0; k < DrawnFolds; k++)
        {
            int dev = (k + 1) % DrawnFolds;
            yield return new([.. tests.Where((_, f) => f != k && f != dev).SelectMany(t => t).Order()], tests[dev], tests[k]);
        }
    }

    /// <summary>The id lists cover all prompts; those of other prompts are passed over.</summary>
    private static int[] Ids(string folder, int fold, string part, Dictionary<int, int> places)
    {
        string path = TextSource.Find(folder, $"folds_fold_{fold}.{part}_ids.txt");
        List<int> found = [];
        foreach (TableRow row in TextTable.Rows(path, TableFormat.Comma with { Header = false }))
        {
            if (places.TryGetValue(row.Int(0), out int place)) { found.Add(place); }
        }
        return found.Count > 0 ? [.. found] : throw new DataException($"{path}: none of its ids is an essay of this prompt.");
    }
}
