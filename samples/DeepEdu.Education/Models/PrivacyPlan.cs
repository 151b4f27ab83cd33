using System.Globalization;
using DeepEdu.Data;
using DeepEdu.Education.Cli;
using DeepEdu.Education.Data;
using DeepEdu.Education.Report;
using DeepEdu.Nn;
using DeepEdu.Numerics;
using DeepEdu.Privacy;

namespace DeepEdu.Education.Models;

/// <summary>What <c>--epsilon</c> asks of the trainings of a run together: a learner whom several folds learn from is in several trainings, and all of them are saved.</summary>
internal sealed class PrivacyPlan
{
    private const ulong Stream = 0xD9; // of a seed that is given, apart from all that a run draws
    private readonly PrivacyAsked _asked;
    private readonly int[][][] _folds; // of each fold the learners, of each learner its rows
    private readonly string[] _keys;
    private readonly float _clip;
    private readonly int _trainings;
    private readonly Rng _rng;

    private PrivacyPlan(PrivacyAsked asked, string[] keys, Split[] folds, float clip)
    {
        (_asked, _keys, _clip) = (asked, keys, (float)(asked.Clip ?? clip));
        _folds = [.. folds.Select(f => f.Train.GroupBy(r => keys[r]).Select(g => g.ToArray()).ToArray())];
        _trainings = _folds.SelectMany(f => f.Select(rows => keys[rows[0]])).CountBy(key => key).Max(c => c.Value);
        People = _folds.Min(f => f.Length);
        // Dwork and Roth 2014, §2.3: well below one by the number of learners, or a few may be told outright
        Delta = asked.Delta ?? (People < 3 ? 0.1 : 1 / (People * Math.Log(People)));
        _rng = asked.NoiseSeed is { } seed ? new Rng(seed).Split(Stream) : Rng.Secret();
    }

    /// <summary>The plan; null if privacy was not asked for.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="keys">Whom each row is of.</param>
    /// <param name="folds">Which rows are learned from.</param>
    /// <param name="clip">The longest gradient of a learner, if no number is given.</param>
    public static PrivacyPlan? Of(RunOptions options, string[] keys, Split[] folds, float clip) => options.Privacy is { } asked ? new(asked, keys, folds, clip) : null;

    /// <summary>The fewest learners that a fold learns from.</summary>
    public int People { get; }

    public double Delta { get; }

    /// <summary>Learners to draw from a fold's at a step, on average, if no number is given: a quarter, for noise weighs less on many, but of thousands no more than 600, for an epoch must have steps.</summary>
    public int Batch => Math.Clamp(People / 4, 1, 600);

    /// <summary>The plan of one fold's training.</summary>
    public PrivateFold Fold(int number) => new(this, _folds[number]);

    /// <summary>Private gradients of the training of a fold.</summary>
    internal PrivateGradients For(Module network, int people, int batch, int epochs)
        => new(network, new PoissonBatches(people, Math.Min(batch, people), _rng), new() { ClipNorm = _clip, Noise = Noise(batch, epochs), Delta = Delta }, _rng);

    // the least that keeps all trainings of whoever is in the costliest ones to what was asked for; folds have about as many learners as each other
    private double Noise(int batch, int epochs)
    {
        (double Rate, long Steps)[] folds = Array.ConvertAll(_folds, f => new PoissonBatches(f.Length, Math.Min(batch, f.Length), _rng.At(0))).Select(b => (b.Rate, (long)epochs * b.Count)).ToArray();
        double noise;
        try { noise = folds.Max(f => PrivacyAccountant.NoiseFor(_asked.Epsilon, Delta, f.Rate, f.Steps * _trainings)); }
        catch (ArgumentOutOfRangeException e) { throw new DataException(string.Create(CultureInfo.InvariantCulture, $"--epsilon {_asked.Epsilon}: {e.Message.Split('\n')[0]}")); }
        while (Worst(folds.Length, f => Of(noise, folds[f])).Epsilon(Delta) > _asked.Epsilon) { noise *= 1.001; }
        return noise;

        static PrivacyAccountant Of(double noise, (double Rate, long Steps) fold)
        {
            PrivacyAccountant one = new();
            one.Add(noise, fold.Rate, fold.Steps);
            return one;
        }
    }

    // of the learner who is in the costliest trainings of the first folds
    private PrivacyAccountant Worst(int folds, Func<int, PrivacyAccountant> of)
        => _folds.Take(folds).SelectMany((f, k) => f.Select(rows => (Key: _keys[rows[0]], Fold: k))).GroupBy(p => p.Key, p => p.Fold).DistinctBy(g => string.Join(',', g)).Select(own =>
        {
            PrivacyAccountant all = new();
            foreach (int fold in own) { all.Add(of(fold)); }
            return all;
        }).MaxBy(a => a.Epsilon(Delta))!;

    /// <summary>What the trainings have spent, of the learner who is in the costliest ones.</summary>
    /// <param name="made">The trainings, fold after fold; only those that count.</param>
    /// <param name="covered">What else of the model is covered.</param>
    public PrivacyTold Tell(IReadOnlyList<PrivateGradients> made, string covered)
    {
        PrivacyAccountant told = Worst(made.Count, f => made[f].Accountant);
        return new(told.Epsilon(Delta), Delta, made[0].ClipNorm, made[0].Noise, made[0].Batches.Size, made.Max(p => p.Batches.Rate), told.Steps, People, _trainings)
        {
            Order = told.Order(Delta),
            Repeatable = _asked.NoiseSeed is not null,
            Covered = covered,
        };
    }
}

/// <summary>The private training of one fold.</summary>
/// <param name="Plan">Of all.</param>
/// <param name="Learners">Whom it learns from, each all rows of it.</param>
internal sealed record PrivateFold(PrivacyPlan Plan, int[][] Learners)
{
    /// <summary>Its gradients.</summary>
    public PrivateGradients For(Module network, int batch, int epochs) => Plan.For(network, Learners.Length, batch, epochs);
}
