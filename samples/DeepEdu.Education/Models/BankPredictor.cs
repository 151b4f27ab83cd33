using System.Globalization;
using DeepEdu.Education.Data;
using DeepEdu.Education.Saved;
using DeepEdu.Io;
using DeepEdu.Numerics;
using DeepEdu.Tensors;

namespace DeepEdu.Education.Models;

/// <summary>An adaptive test in use: from the answers of learners so far, their abilities with standard errors, and which item to give next; none where the test is over.</summary>
internal sealed class BankPredictor : IPredictor
{
    public const string Kind = "item-bank";
    private readonly string[] _items;
    private readonly ItemBank _bank;

    private BankPredictor(CheckpointFile saved)
    {
        StateDict bank = saved.State("bank");
        (_items, _bank) = (saved.State("known").Texts("items"), ItemBank.Load(bank));
    }

    public static IPredictor Load(CheckpointFile saved) => new BankPredictor(saved);

    /// <summary>The items and their names.</summary>
    public static IReadOnlyList<(string, ISaveState)> Parts(string[] items, ItemBank bank) => [("known", new StateDict().Set("items", items)), ("bank", bank)];

    public IEnumerable<string[]> Predict(string path, PredictOptions options)
    {
        yield return ["learner", "answers", "ability", "error", "next"];
        foreach (TracedLearner learner in DiagnosisSet.Read(path, _items, options.Columns))
        {
            Ability known = _bank.Estimate(learner.Skills.Zip(learner.Right));
            int[] left = [.. Enumerable.Range(0, _items.Length).Except(learner.Skills)];
            bool over = left.Length == 0 || learner.Count >= TestEnd.Usual.Most || known.Error < TestEnd.Usual.Error;
            yield return [learner.Name, learner.Count.ToString(CultureInfo.InvariantCulture), known.Mean.ToString("0.0000", CultureInfo.InvariantCulture), known.Error.ToString("0.0000", CultureInfo.InvariantCulture),
                over ? "" : _items[left[ItemChoice.Fisher.Next(_bank, known, learner.Count, left, new Rng(0))]]];
        }
    }
}
