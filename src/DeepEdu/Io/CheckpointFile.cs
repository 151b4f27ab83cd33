using DeepEdu.Data;
using DeepEdu.Tensors;

namespace DeepEdu.Io;

/// <summary>One file with everything of a model, or of a training: a zip, so that any tool can look inside, with a manifest and, for each part, its tensors as safetensors. A part is anything
/// that saves its state: the model, its normaliser and vocabulary; the optimiser, the loader, metrics and weight average of a training.
/// <code>
/// CheckpointFile.Save("run.ckpt", new() { Seed = 1 }, ("model", model), ("optimizer", optimizer), ("batches", loader));
/// var saved = CheckpointFile.Load("run.ckpt");
/// saved.Restore("model", model);
/// </code>
/// A file is written as a whole or not at all (see <see cref="AtomicFile"/>), and read only if every byte is as it was written: each file inside has its SHA-256 in the manifest, and the
/// manifest its own at the end of the zip. The same content gives the same bytes. See docs/files.md.</summary>
public sealed class CheckpointFile
{
    private readonly Manifest _manifest;
    private readonly Dictionary<string, StateDict> _parts;

    internal CheckpointFile(string path, Manifest manifest, Dictionary<string, StateDict> parts) => (Path, _manifest, _parts) = (path, manifest, parts);

    /// <summary>Where it was read from.</summary>
    public string Path { get; }

    /// <summary>The version of its format.</summary>
    public int Version => _manifest.Version;

    /// <summary>The version of the library that wrote it.</summary>
    public string Library => _manifest.Library;

    /// <summary>Architecture, options, metrics, seed and data.</summary>
    public CheckpointInfo Info => _manifest.Info;

    /// <summary>The names of its parts.</summary>
    public IReadOnlyList<string> Parts => _manifest.Parts;

    /// <summary>The values of a part.</summary>
    /// <exception cref="InvalidDataException">There is no such part; says which there are.</exception>
    public StateDict State(string part)
    {
        ArgumentNullException.ThrowIfNull(part);
        return _parts.TryGetValue(part, out var state) ? state
        : throw new InvalidDataException($"{Path}: there is no part \"{part}\"; it holds {string.Join(", ", Parts.Select(p => $"\"{p}\""))}");
    }

    /// <summary>Lets an object take over a part, exactly: nothing may be missing, and nothing may be left over. If it does not fit, the object is as it was before.</summary>
    /// <exception cref="InvalidDataException">The part does not fit the object; says how.</exception>
    public void Restore(string part, IStateful to)
    {
        ArgumentNullException.ThrowIfNull(part);
        ArgumentNullException.ThrowIfNull(to);
        var state = State(part);
        var before = StateDict.CopyOf(to);
        try
        {
            try { to.LoadState(state); }
            catch (Exception e) when (e is InvalidDataException or ArgumentException) { throw new InvalidDataException($"{Path}: the part \"{part}\" does not fit: {e.Message}", e); }
            if (state.Unread is { Count: > 0 } unread)
            {
                throw new InvalidDataException($"{Path}: the part \"{part}\" holds what the {to.GetType().Name} does not know: {string.Join(", ", unread)}");
            }
        }
        catch
        {
            to.LoadState(before);
            throw;
        }
    }

    /// <summary>Makes sure that the file is what <paramref name="info"/> tells of: architecture, seed, data and every option named there must be the file's; metrics are not looked at.</summary>
    /// <exception cref="InvalidDataException">Something differs; all of it is listed.</exception>
    public void Require(CheckpointInfo info)
    {
        ArgumentNullException.ThrowIfNull(info);
        List<string> other = [];
        Compare("architecture", Info.Architecture.Length == 0 ? null : Info.Architecture, info.Architecture.Length == 0 ? null : info.Architecture);
        Compare("seed", Info.Seed, info.Seed);
        if (info.DataHash is not null && info.DataHash != Info.DataHash) { other.Add("other data"); }
        foreach (string name in info.Options.Names) { Compare(name, Info.Options.Has(name) ? Info.Options.Shown(name) : null, info.Options.Shown(name)); }
        if (other.Count > 0) { throw new InvalidDataException($"{Path}: is of another training: {string.Join(", ", other)}"); }

        void Compare(string name, object? there, object? here)
        {
            if (here is not null && !here.Equals(there)) { other.Add($"{name} {there ?? "not said"} there and {here} here"); }
        }
    }

    /// <summary>Writes a checkpoint, as a whole or not at all.</summary>
    /// <param name="path">Where; what stands there is replaced once the new file is complete.</param>
    /// <param name="info">What the manifest says.</param>
    /// <param name="parts">What is saved. A name is a file's name in the zip: letters, digits, '_', '-' and '.'; neither "manifest" nor one that ends in ".numbers".</param>
    /// <exception cref="IOException">It could not be written; what stood there before still does.</exception>
    public static void Save(string path, CheckpointInfo info, params IReadOnlyList<(string Name, ISaveState Value)> parts)
    {
        ArgumentNullException.ThrowIfNull(info);
        NullItems.ThrowIfAny(parts);
        ForeignName.ThrowIf(path, "a checkpoint", $"call it {System.IO.Path.ChangeExtension(path, ".ckpt")}; weights alone, for other programs, are written with SaveWeights(\"model.safetensors\") or SaveWeights(\"model.pt\")", ".pt", ".pth", ".safetensors");
        AtomicFile.Write(path, to => CheckpointWriter.Write(to, info, parts));
    }

    /// <summary>Reads a checkpoint and checks all of it.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is no checkpoint, was saved by a later library, was cut off, or some of its bytes changed; says which part is hurt.</exception>
    public static CheckpointFile Load(string path)
    {
        using var file = new FileStream(DataFile.NoFolder(path), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 16);
        return CheckpointReader.Read(path, file);
    }
}
