using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using DeepEdu.Devices;
using DeepEdu.Lanes;
using DeepEdu.Numerics;
using DeepEdu.Ops;
using DeepEdu.Optim;
using DeepEdu.Tensors;
using Xunit.Abstractions;

namespace DeepEdu.Tests.House;

/// <summary>Whoever gives null where there must be something is told the parameter: each public member is called once for each such parameter, with good values for all others.</summary>
public class NullArgumentTests(ITestOutputHelper output)
{
    private static readonly NullabilityInfoContext s_nullability = new();
    private static readonly Assembly s_house = typeof(Tensor).Assembly;
    // the parameters of the doors that all formulas, look-ups and attentions go through, whatever the words before them call theirs
    private static readonly HashSet<string?> s_doors = ["x", "a", "b", "c", "index", "query", "categories"];
    private static readonly string s_folder = Directory.CreateTempSubdirectory("deepedu-null").FullName;

    [Fact]
    public void NullIsAnArgumentNullExceptionThatNamesTheParameter()
    {
        List<string> wrong = [];
        int calls = 0;
        foreach (var type in s_house.GetExportedTypes())
        {
            if (type.IsInterface || type.IsEnum || typeof(Delegate).IsAssignableFrom(type) || type.FullName!.Contains('$', StringComparison.Ordinal) || IsRecord(type) || typeof(Exception).IsAssignableFrom(type)) { continue; }
            foreach (var member in Members(type))
            {
                if (Closed(member) is not { } method) { output.WriteLine($"not closed: {type.Name}.{member.Name}"); continue; }
                var parameters = method.GetParameters();
                for (int i = 0; i < parameters.Length; i++)
                {
                    if (!MustBe(member.GetParameters()[i]) || IsCalledByOthers(type, member) || !HasOthers(method, i)) { continue; }
                    calls++;
                    if (Fault(method.DeclaringType!, method, i) is { } fault) { wrong.Add($"{type.Name}.{member.Name}({string.Join(", ", parameters.Select(p => p.ParameterType.Name))}) {parameters[i].Name}: {fault}"); }
                }
            }
        }
        Directory.Delete(s_folder, recursive: true);
        output.WriteLine($"{calls} calls");
        Assert.True(calls > 500);
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {calls}\n{string.Join('\n', wrong)}");
    }

    /// <summary>The same where null stands inside a list: each public member is called with a good item and a null one for each list that it takes.</summary>
    [Fact]
    public void NullInsideAListIsAnArgumentException()
    {
        List<string> wrong = [];
        int calls = 0;
        foreach (var type in s_house.GetExportedTypes())
        {
            if (type.IsInterface || type.FullName!.Contains('$', StringComparison.Ordinal) || IsRecord(type) || typeof(Exception).IsAssignableFrom(type)) { continue; }
            foreach (var member in Members(type))
            {
                if (Closed(member) is not { } method || type == typeof(DeepEdu.Autograd.Tape)) { continue; } // the tape gets what an operation has looked at
                var parameters = method.GetParameters();
                for (int i = 0; i < parameters.Length; i++)
                {
                    if (WithNull(member.GetParameters()[i], parameters[i].ParameterType) is not { } list || IsCalledByOthers(type, member) || !HasOthers(method, i)) { continue; }
                    calls++;
                    if (Fault(method.DeclaringType!, method, i, list) is { } fault) { wrong.Add($"{type.Name}.{member.Name}({string.Join(", ", parameters.Select(p => p.ParameterType.Name))}) {parameters[i].Name}: {fault}"); }
                }
            }
        }
        output.WriteLine($"{calls} calls");
        Assert.True(calls > 40, $"{calls}");
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {calls}\n{string.Join('\n', wrong)}");
    }

    // a list that takes something, of a good item and null; of pairs, a name and null
    private static Array? WithNull(ParameterInfo open, Type type)
    {
        if (type.IsByRef) { return null; }
        var nullability = s_nullability.Create(open);
        var (item, inside) = type.IsArray ? (type.GetElementType()!, nullability.ElementType)
            : type.IsGenericType && type.GetGenericTypeDefinition() is var t && (t == typeof(ReadOnlySpan<>) || t == typeof(IReadOnlyList<>) || t == typeof(IEnumerable<>)) ? (type.GetGenericArguments()[0], nullability.GenericTypeArguments[0]) : (null, null);
        if (item is null || inside is null) { return null; }
        var list = Array.CreateInstance(item, 2);
        list.SetValue(Sample(item, 0, "parts"), 0);
        if (!item.IsValueType) { return item != typeof(string) && inside.ReadState == NullabilityState.NotNull ? list : null; }
        if (!item.FullName!.StartsWith("System.ValueTuple`", StringComparison.Ordinal)) { return null; }
        int at = Array.FindIndex(item.GetGenericArguments(), a => !a.IsValueType && a != typeof(string));
        if (at < 0 || inside.GenericTypeArguments[at].ReadState != NullabilityState.NotNull) { return null; }
        object pair = Activator.CreateInstance(item)!;
        if (item.GetField("Item1")!.FieldType == typeof(string)) { item.GetField("Item1")!.SetValue(pair, "b"); }
        list.SetValue(pair, 1);
        return list;
    }

    /// <summary>The place and the name are told.</summary>
    [Fact]
    public void NullInAListIsNamedByItsPlace()
    {
        Tensor x = Tensor.Zeros([2]);
        Indices i = Indices.Of(1, 2);
        static void Says(string text, Func<object> act) => Assert.StartsWith(text, Assert.Throws<ArgumentNullException>(act).Message, StringComparison.Ordinal);
        Says("parts[1] is null", () => Tensor.Concat([x, null!]));
        Says("layers[1] is null", () => new DeepEdu.Nn.Sequential(new DeepEdu.Nn.Relu(), null!));
        Says("parameters[0], \"w\", is null", () => new Adam([("w", null!)]));
        Says("parameters[0] is null", () => new Sgd([default]));
        Says("parameters[0] has no name", () => new Sgd([(null!, new Parameter([1]))]));
        Says("groups[1] is null", () => new AdamW(new ParameterGroup[] { new([("w", new Parameter([1]))]), null! }));
        Says("parameters[1], \"v\", is null", () => new Lbfgs([("w", new Parameter([1])), ("v", null!)]));
        Assert.Equal("parts", Assert.Throws<ArgumentNullException>(() => Tensor.Concat([x, null!])).ParamName);
        Assert.Equal("parts", Assert.Throws<ArgumentNullException>(() => Tensor.Stack([null!, x])).ParamName);
        Assert.Equal("parts", Assert.Throws<ArgumentNullException>(() => Indices.Concat([i, null!])).ParamName);
        Assert.Equal("parts", Assert.Throws<ArgumentNullException>(() => Indices.Stack([i, null!])).ParamName);
        var model = new DeepEdu.Nn.Dense(1, 1, new Rng(1));
        Assert.Equal("options.Callbacks", Assert.Throws<ArgumentNullException>(() => new DeepEdu.Training.Trainer(model, new Sgd(model.Parameters()), _ => x, new() { Callbacks = [null!] })).ParamName);
        Assert.Equal("options.Metrics", Assert.Throws<ArgumentNullException>(() => new DeepEdu.Training.Trainer(model, new Sgd(model.Parameters()), _ => x, new() { Metrics = null! })).ParamName);
    }

    private static IEnumerable<MethodBase> Members(Type type)
    {
        const BindingFlags Flags = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        if (!type.IsAbstract)
        {
            foreach (var c in type.GetConstructors(Flags)) { yield return c; }
        }
        foreach (var m in type.GetMethods(Flags))
        {
            if (!m.IsAbstract && !m.IsDefined(typeof(CompilerGeneratedAttribute))) { yield return m; }
        }
    }

    private static bool MustBe(ParameterInfo p)
    {
        if (p.ParameterType.IsValueType || p.ParameterType.IsByRef || p.ParameterType.IsPointer || p.ParameterType.IsGenericParameter || p.IsOut) { return false; }
        // a text that is null is met by the runtime where it is used; most here are names for errors
        return p.ParameterType != typeof(string) && s_nullability.Create(p).WriteState == NullabilityState.NotNull;
    }

    // a record is what its maker says, and mostly the library's answer or a kernel's arguments: what takes one looks at its parts
    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$") is not null || type.GetMethod("PrintMembers", BindingFlags.NonPublic | BindingFlags.Instance) is not null;

    // a callback is called by the trainer, and Lambda gives whatever comes to its function
    private static bool IsCalledByOthers(Type type, MethodBase method) =>
        (typeof(DeepEdu.Training.Callback).IsAssignableFrom(type) && method.Name.StartsWith("On", StringComparison.Ordinal)) || type == typeof(DeepEdu.Nn.Lambda);

    // whether there are values for the others, and something to call it on
    private static bool HasOthers(MethodBase method, int at)
    {
        try
        {
            return (method.IsStatic || method.IsConstructor || Sample(method.DeclaringType!, 0) is not null)
                && method.GetParameters().Where((p, i) => i != at && MustBe(p)).All(p => Sample(p.ParameterType, 0, p.Name!) is not null);
        }
        finally { Close(); }
    }

    // what was opened for a call, a tape or an arena say, is closed after it, the last one first
    private static readonly Stack<IDisposable> s_open = new();

    private static string? Fault(Type type, MethodBase method, int at, Array? list = null)
    {
        try { return FaultOf(type, method, at, list); }
        finally { Close(); }
    }

    private static void Close()
    {
        while (s_open.TryPop(out var last))
        {
            try { last.Dispose(); }
            catch (Exception e) when (e is InvalidOperationException or ObjectDisposedException or NullReferenceException or IOException) { } // made without its constructor
        }
    }

    private static string? FaultOf(Type type, MethodBase method, int at, Array? list)
    {
        string? name = method.GetParameters()[at].Name;
        try
        {
            Call(type, method, at, list);
            return "no exception";
        }
        catch (ArgumentNullException e) { return e.ParamName == name || (list is null && s_doors.Contains(e.ParamName)) ? null : $"names {e.ParamName}"; }
        catch (InvalidOperationException e) when (e.Message.Contains(": takes ", StringComparison.Ordinal)) { return null; } // a layer that refuses whatever it is
        catch (Exception e) { return $"{e.GetType().Name}: {e.Message.Split('\n')[0]} {e.StackTrace?.Split('\n')[0].Trim()}"; }
    }

    private static void Call(Type type, MethodBase method, int at, object? given)
    {
        object? self = method.IsStatic || method.IsConstructor ? null : Sample(type, 0);
        var parameters = method.GetParameters();
        object?[] values = new object?[parameters.Length];
        for (int i = 0; i < values.Length; i++) { values[i] = i == at ? given : Sample(parameters[i].ParameterType, 0, parameters[i].Name!); }
        object? result = Caller(method)(self, values); // what is gone through later must look at once
        if (result is Task task) { task.GetAwaiter().GetResult(); }
    }

    /// <summary>Calls with spans of arrays, or else empty, and values that are boxed.</summary>
    private static Func<object?, object?[], object?> Caller(MethodBase method)
    {
        var dynamic = new DynamicMethod("call", typeof(object), [typeof(object), typeof(object?[])], typeof(NullArgumentTests).Module, skipVisibility: true);
        var il = dynamic.GetILGenerator();
        if (!method.IsStatic && !method.IsConstructor)
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(method.DeclaringType!.IsValueType ? OpCodes.Unbox : OpCodes.Castclass, method.DeclaringType!);
        }
        var parameters = method.GetParameters();
        for (int i = 0; i < parameters.Length; i++)
        {
            var type = parameters[i].ParameterType;
            var bare = type.IsByRef ? type.GetElementType()! : type;
            var local = il.DeclareLocal(bare);
            if (bare.IsGenericType && bare.GetGenericTypeDefinition() == typeof(ReadOnlySpan<>))
            {
                var array = bare.GetGenericArguments()[0].MakeArrayType();
                il.Emit(OpCodes.Ldarg_1);
                il.Emit(OpCodes.Ldc_I4, i);
                il.Emit(OpCodes.Ldelem_Ref);
                il.Emit(OpCodes.Castclass, array);
                il.Emit(OpCodes.Newobj, bare.GetConstructor([array])!);
                il.Emit(OpCodes.Stloc, local);
            }
            else if (bare.IsByRefLike)
            {
                il.Emit(OpCodes.Ldloca, local);
                il.Emit(OpCodes.Initobj, bare);
            }
            else
            {
                il.Emit(OpCodes.Ldarg_1);
                il.Emit(OpCodes.Ldc_I4, i);
                il.Emit(OpCodes.Ldelem_Ref);
                il.Emit(OpCodes.Unbox_Any, bare);
                il.Emit(OpCodes.Stloc, local);
            }
            il.Emit(type.IsByRef ? OpCodes.Ldloca : OpCodes.Ldloc, local);
        }
        Type returned = typeof(void);
        if (method is ConstructorInfo constructor)
        {
            il.Emit(OpCodes.Newobj, constructor);
            returned = method.DeclaringType!;
        }
        else
        {
            il.Emit(method.IsStatic || method.DeclaringType!.IsValueType ? OpCodes.Call : OpCodes.Callvirt, (MethodInfo)method);
            returned = ((MethodInfo)method).ReturnType;
        }
        if (returned.IsByRefLike || returned.IsByRef || returned.IsPointer) { il.Emit(OpCodes.Pop); }
        if (returned == typeof(void) || returned.IsByRefLike || returned.IsByRef || returned.IsPointer) { il.Emit(OpCodes.Ldnull); }
        else if (returned.IsValueType) { il.Emit(OpCodes.Box, returned); }
        il.Emit(OpCodes.Ret);
        return dynamic.CreateDelegate<Func<object?, object?[], object?>>();
    }

    /// <summary>The method for some type that its constraints allow.</summary>
    private static MethodBase? Closed(MethodBase method)
    {
        try
        {
            if (method.DeclaringType!.ContainsGenericParameters)
            {
                var type = method.DeclaringType.MakeGenericType([.. method.DeclaringType.GetGenericArguments().Select(Argument)]);
                method = MethodBase.GetMethodFromHandle(method.MethodHandle, type.TypeHandle)!;
            }
            return method.ContainsGenericParameters ? ((MethodInfo)method).MakeGenericMethod([.. method.GetGenericArguments().Select(Argument)]) : method;
        }
        catch (ArgumentException) { return null; }
    }

    private static Type Argument(Type parameter)
    {
        foreach (var constraint in parameter.GetGenericParameterConstraints())
        {
            if (constraint == typeof(IMap)) { return typeof(Arithmetic.NegFormula); }
            if (constraint == typeof(IZip)) { return typeof(Arithmetic.AddFormula); }
            if (constraint == typeof(IZip3)) { return typeof(PullA<Arithmetic.AddFormula>); }
            if (constraint.IsGenericType) { continue; }
            if (constraint != typeof(ValueType) && s_house.GetExportedTypes().FirstOrDefault(t => constraint.IsAssignableFrom(t) && !t.IsAbstract && !t.ContainsGenericParameters) is { } found) { return found; }
        }
        return parameter.GenericParameterAttributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint) ? typeof(string) : typeof(float);
    }

    /// <summary>A good value of a type.</summary>
    private static object? Sample(Type type, int depth, string name = "")
    {
        object? made = Made(type, depth, name);
        if (made is IDisposable open) { s_open.Push(open); }
        return made;
    }

    private static object? Made(Type type, int depth, string name)
    {
        if (type.IsByRef) { type = type.GetElementType()!; }
        if (type.IsByRefLike || type.IsPointer || depth > 6) { return null; }
        if (Nullable.GetUnderlyingType(type) is not null) { return null; }
        if (type == typeof(Tensor)) { return Tensor.Of([2, 2], [1, 2, 3, 4]); }
        if (type == typeof(Parameter)) { return new Parameter([2, 2], [1, 2, 3, 4]); }
        if (type == typeof(Indices)) { return Indices.Of([2], [0, 1]); }
        if (type == typeof(Shape)) { return Shape.Create([2, 2]); }
        if (type == typeof(Rng)) { return new Rng(1); }
        if (type == typeof(Device) || type == typeof(CpuDevice)) { return CpuDevice.Instance; }
        if (type == typeof(string)) { return name.Contains("path", StringComparison.Ordinal) || name == "folder" ? Path.Combine(s_folder, "none") : "a"; }
        if (type == typeof(int)) { return name is "grades" or "classes" ? 2 : 1; }
        if (type == typeof(long)) { return 1L; }
        if (type == typeof(float)) { return 0.5f; }
        if (type == typeof(double)) { return 0.5; }
        if (type == typeof(Type)) { return typeof(float); }
        if (type == typeof(Stream)) { return new MemoryStream(); }
        if (type == typeof(TextWriter)) { return new StringWriter(); }
        if (type == typeof(TextReader)) { return new StringReader(""); }
        if (type == typeof(object)) { return new object(); }
        if (typeof(Delegate).IsAssignableFrom(type)) { return Nothing(type); }
        if (type.IsArray)
        {
            var array = Array.CreateInstance(type.GetElementType()!, new int[type.GetArrayRank()]);
            if (type.GetArrayRank() == 1) { (array = Array.CreateInstance(type.GetElementType()!, 1)).SetValue(Sample(type.GetElementType()!, depth + 1), 0); }
            return array;
        }
        if (type.IsGenericType && type.GetGenericArguments() is [var item] && type.IsAssignableFrom(item.MakeArrayType())) { return Sample(item.MakeArrayType(), depth); }
        if (type.IsEnum) { return Enum.GetValues(type).GetValue(0); }
        if (type.IsPrimitive) { return Activator.CreateInstance(type); }
        if (type.IsInterface || type.IsAbstract)
        {
            foreach (var other in s_house.GetExportedTypes().OrderBy(t => t.Name, StringComparer.Ordinal))
            {
                if (!other.IsAbstract && !other.ContainsGenericParameters && type.IsAssignableFrom(other) && Sample(other, depth + 1) is { } found) { return found; }
            }
            return null;
        }
        foreach (var c in type.GetConstructors().OrderBy(c => c.GetParameters().Length))
        {
            try { return Caller(c)(null, [.. c.GetParameters().Select(p => Given(p, depth))]); }
            catch (Exception) { }
        }
        foreach (var m in type.GetMethods(BindingFlags.Public | BindingFlags.Static).Where(m => m.ReturnType == type && !m.ContainsGenericParameters))
        {
            try { return Caller(m)(null, [.. m.GetParameters().Select(p => Given(p, depth))]); }
            catch (Exception) { }
        }
        return type.IsValueType ? Activator.CreateInstance(type) : RuntimeHelpers.GetUninitializedObject(type);
    }

    private static object? Given(ParameterInfo p, int depth) => !p.HasDefaultValue ? Sample(p.ParameterType, depth + 1, p.Name!)
        : p.DefaultValue ?? (p.ParameterType.IsValueType ? Activator.CreateInstance(p.ParameterType) : null);

    private static object Nothing(Type type)
    {
        var invoke = type.GetMethod("Invoke")!;
        var dynamic = new DynamicMethod("nothing", invoke.ReturnType, [.. invoke.GetParameters().Select(p => p.ParameterType)], typeof(NullArgumentTests).Module, skipVisibility: true);
        var il = dynamic.GetILGenerator();
        if (invoke.ReturnType != typeof(void))
        {
            var local = il.DeclareLocal(invoke.ReturnType);
            il.Emit(OpCodes.Ldloca, local);
            il.Emit(OpCodes.Initobj, invoke.ReturnType);
            il.Emit(OpCodes.Ldloc, local);
        }
        il.Emit(OpCodes.Ret);
        return dynamic.CreateDelegate(type);
    }
}
