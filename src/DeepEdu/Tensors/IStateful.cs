namespace DeepEdu.Tensors;

/// <summary>Something that can be saved. What never changes once it is made, such as a vocabulary, is loaded by making it anew; what changes while training is <see cref="IStateful"/>.</summary>
public interface ISaveState
{
    /// <summary>Puts every value that later results depend on into <paramref name="to"/>, which may keep the tensors themselves, not copies: it is written before training goes on.</summary>
    void SaveState(StateDict to);
}

/// <summary>Something that changes while training, and from whose saved state training goes on as if it had never stopped: a module, an optimiser, a loader, a metric, a normaliser.
/// <code>
/// public void SaveState(StateDict to) => to.Set("step", _step).Set("mean", _mean).Set("order", _rng);
/// public void LoadState(StateDict from)
/// {
///     _step = from.Int("step");
///     from.CopyTo("mean", _mean);
///     from.CopyTo("order", _rng);
/// }
/// </code>
/// Saved is what changes after construction; what the constructor is given (sizes, options) is not, for the program that goes on gives it again.</summary>
public interface IStateful : ISaveState
{
    /// <summary>Takes over the values that <see cref="ISaveState.SaveState"/> of an object constructed alike put there. If they do not fit, it is as before; of what is made of parts, those before the one that does not fit may be taken over.</summary>
    /// <exception cref="InvalidDataException">A name is missing, or holds something of another kind or shape.</exception>
    void LoadState(StateDict from);
}
